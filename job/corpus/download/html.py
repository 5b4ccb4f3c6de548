"""HTML that comes in the place of a file: a sign-in, a notice, an error with status 200."""


def looks_like_html(text: str) -> bool:
    """Whether a text begins as a page does."""
    return text.lstrip("\ufeff \t\r\n")[:64].lower().startswith(("<!doctype html", "<html"))
