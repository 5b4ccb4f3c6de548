"""Strings of JSON that can be text."""

from typing import TypeGuard

from job.corpus.formats.text_lines import NUL, LineError


def is_text(value: object) -> TypeGuard[str]:
    """True for a string. Raises LineError for what only escapes can write: NUL, lone surrogates."""
    if not isinstance(value, str):
        return False
    if "\0" in value:
        raise LineError(NUL, f"character {value.index(chr(0)) + 1}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        detail = f"\\u{ord(value[error.start]):04x} at character {error.start + 1}"
        raise LineError("lone surrogate", detail) from error
    return True
