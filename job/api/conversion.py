"""`convert`: a corpus of any format as one of another."""

from collections.abc import Mapping


def convert(
    corpus: str, out: str, *, environ: Mapping[str, str] | None = None, **settings: object
) -> None:
    raise NotImplementedError
