"""`convert`: a corpus in one shape, written in another."""

from collections.abc import Mapping

from job.api.guest import as_guest
from job.settings import ConvertSettings, parse_keywords


def convert(
    corpus: str, out: str, *, environ: Mapping[str, str] | None = None, **settings: object
) -> None:
    """Writes the corpus at `corpus`, a path or URL, to `out`, as `korean-ner convert` does.

    `settings` are those that say how a corpus is read, and `to`, the shape, where the ending of
    `out` does not say it. Raises ArgumentError, DataError and the others of `job.errors`.
    """
    parsed = parse_keywords(
        ["convert", str(corpus), str(out)], settings, environ, settings_class=ConvertSettings
    )
    asked = parsed.settings
    assert isinstance(asked, ConvertSettings)
    with as_guest(asked):
        from job.convert import convert as write_in_another_shape

        write_in_another_shape(str(corpus), str(out), asked)
