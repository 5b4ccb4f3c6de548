"""CP949, the older Korean encoding that Excel saves, told apart from damaged UTF-8."""


def is_cp949(sample: bytes) -> bool:
    """Whether bytes that are not UTF-8 are Korean text in the older encoding, not damage."""
    damaged = sample.decode("utf-8", errors="replace")
    if damaged.count("\ufffd") <= hangul(damaged):
        return False
    try:
        text = sample.decode("cp949")
    except UnicodeDecodeError:
        return False
    return 2 * hangul(text) > sum(not character.isascii() for character in text)


def hangul(text: str) -> int:
    """The number of its Korean syllables."""
    return sum("가" <= character <= "힣" for character in text)
