"""The places that an argument can name: a path of this machine, or a URL of a store.

A ValueError raised here carries what follows "must be" in the message that the user sees.
Reference: https://cloud.google.com/storage/docs/buckets#naming
"""

import re
import unicodedata
from pathlib import Path

WANTED = "a path or a URL such as gs://bucket/folder"
LOCAL = ("file", "local")
BUCKETS = ("gs", "gcs")
WEB = ("http", "https")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_HALF_SCHEME = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]+:/(?!/)|(?i:file|local|gs|gcs|s3|az|abfs|https?|hf|memory|ftp|sftp):"
)
_VARIABLE = re.compile(r"\$\{[^}]*\}?|\$\([^)]*\)?")
# What most stores have no name for, or take for a folder of their own.
_DOTS = re.compile(r"(^|/)\.\.?(/|$)")
# User and password: also such that hold a slash, but not a port before a path with an '@'.
_USER = re.compile(r"(:/+)([^/@\s]+|[^/@\s]*:(?!\d+/)[^@\s]*)@")
# A comma or a bar ends a query only where another URL follows: a signature may hold them.
_QUERY = re.compile(r"(?i)(\bhttps?:/+[^?#\s]*)[?#](?:[^\s|,]|[|,](?!\w+:/))+")


def scheme_of(place: str) -> str | None:
    """The scheme of a URL; None where `place` is a path."""
    found = _SCHEME.match(place)
    return found[1] if found else None


def is_local(place: str) -> bool:
    """Whether `place` is on this machine."""
    return scheme_of(place) in (None, *LOCAL)


def local_path(url: str) -> Path:
    """The path that a local URL names."""
    path = Path(url if scheme_of(url) is None else url.partition("://")[2])
    try:
        return path.expanduser()
    except RuntimeError:  # no user has that name: then it is a folder's, as shells take it
        return path


def join(url: str, *names: str) -> str:
    """The URL of `names` below `url`."""
    return "/".join([url.rstrip("/"), *names])


def check_location(place: str) -> str:
    """Raises ValueError where `place` is no path and no URL whose every part is a plain name."""
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in place):
        raise ValueError(f"{WANTED}, in UTF-8 and without control characters")
    if found := _VARIABLE.search(place):
        raise ValueError(f"{WANTED}: nothing has put a value in the place of {found[0]}")
    scheme = scheme_of(place)
    if scheme is None:
        _check_path(place)
    elif scheme != scheme.lower() and scheme.lower() not in WEB:
        raise ValueError(f"{WANTED}, its scheme in lower case")
    elif scheme in LOCAL:
        path = place.partition("://")[2]
        if not path:
            raise ValueError(f"{WANTED}: it names no folder")
        if not path.startswith("/"):
            raise ValueError(
                f"{WANTED}; after {scheme}:// comes a path from the root, as in {scheme}:///folder"
            )
    else:
        _check_url(scheme, place.partition("://")[2])
    return place


def _check_path(path: str) -> None:
    if _HALF_SCHEME.match(path):
        raise ValueError(f"{WANTED}; before a folder of such a name write ./")
    if "://" in path:
        raise ValueError(f"{WANTED}, which begins with its only scheme")


def _check_url(scheme: str, rest: str) -> None:
    bucket, _, path = rest.partition("/")
    if not bucket.strip() and (scheme != "memory" or not rest.strip("/")):
        raise ValueError(
            f"{WANTED}, with no unset variable in it: it names no bucket; write gs://BUCKET/FOLDER"
            if scheme in BUCKETS
            else f"{WANTED}: it names nothing after {scheme}://"
        )
    if scheme in BUCKETS and (rule := broken_rule(bucket)):
        raise ValueError(f"{WANTED}: '{bucket}' is no bucket, whose name {rule}")
    if scheme.lower() not in WEB and _DOTS.search(path):
        raise ValueError(f"{WANTED}, without '.' and '..' as names in it")


def broken_rule(bucket: str) -> str | None:
    """The rule for names of buckets that this one breaks."""
    parts = bucket.split(".")
    if not re.fullmatch(r"[a-z0-9._-]*", bucket):
        return "has lower-case letters, digits, '-', '_' and '.' only"
    if len(bucket) < 3 or len(bucket) > (222 if len(parts) > 1 else 63):
        return "has 3 to 63 characters, with dots up to 222"
    if not (bucket[0].isalnum() and bucket[-1].isalnum()):
        return "begins and ends with a letter or a digit"
    if not all(0 < len(part) <= 63 for part in parts):
        return "has 1 to 63 characters before, between and after its dots"
    if re.fullmatch(r"\d+(\.\d+){3}", bucket):
        return "is not an IP address"
    return None


def check_output(place: str) -> str:
    """Raises ValueError where nothing can be written. `place` is a checked location."""
    scheme = scheme_of(place)
    if scheme is not None and scheme.lower() in WEB:
        raise ValueError(f"{WANTED}: a web server takes no output")
    # Google's own buckets have such names, and may be read.
    bucket = place.partition("://")[2].partition("/")[0]
    if scheme in BUCKETS and re.search("^goog|google|g00gle", bucket):
        raise ValueError(
            f"{WANTED}: '{bucket}' is no bucket of yours, whose name does not begin with 'goog' "
            "and does not hold 'google'"
        )
    return place


def has_password(url: str) -> bool:
    """Whether it names a user, and perhaps a password."""
    return bool(_USER.search(url))


def has_query(url: str) -> bool:
    """Whether more than a path follows a web server's name: it may be a key or a signature."""
    return bool(_QUERY.match(url))


def masked(text: str) -> str:
    """A text without what may be a secret in the URLs in it."""
    return _QUERY.sub(r"\1?(secret)", _USER.sub(r"\1(secret)@", text))
