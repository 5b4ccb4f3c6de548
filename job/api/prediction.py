"""`predict`: the entities of a text, or of many."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, overload

from job.api.guest import as_guest
from job.errors import ArgumentError
from job.sentence import ScoredSpan
from job.settings import parse_keywords


class Entity(NamedTuple):
    """A mention: `text[start:end]` of the text that was given, its type, and the mean probability
    of its wordpieces' labels."""

    start: int
    end: int
    type: str
    text: str
    score: float


@overload  # a text is a sequence of texts, too
def predict(  # type: ignore[overload-overlap]
    texts: str, model_dir: str, *, environ: Mapping[str, str] | None = ..., **settings: object
) -> list[Entity]: ...
@overload
def predict(
    texts: Sequence[str],
    model_dir: str,
    *,
    environ: Mapping[str, str] | None = ...,
    **settings: object,
) -> list[list[Entity]]: ...
def predict(
    texts: str | Sequence[str],
    model_dir: str,
    *,
    environ: Mapping[str, str] | None = None,
    **settings: object,
) -> list[Entity] | list[list[Entity]]:
    """The entities of a text, or a list of them for each text of many, which loads the model once.

    `model_dir` is the output of a run or the model/ in it, a path or URL. `settings` are as for
    `train`: accelerator, max_seq_length, window_stride, cache_dir. Raises ArgumentError and the
    others of `job.errors`.
    """
    given = [texts] if isinstance(texts, str) else list(texts)
    for number, text in enumerate(given):
        if not isinstance(text, str):
            raise ArgumentError(f"texts[{number}] = {text!r}: must be a text (str).")
    values = {**settings, "downstream_model_dir": model_dir}
    parsed = parse_keywords(["predict", "-", "-"], values, environ)  # from and to memory
    asked = parsed.settings
    is_set = parsed.sources["max_seq_length"] != "default"
    with as_guest(asked):
        from job.devices import choose_hardware
        from job.export import Tagger, open_model

        folder, manifest = open_model(asked.downstream_model_dir, asked.cache_dir)
        tagger = Tagger.load(
            folder,
            manifest,
            choose_hardware(asked.wanted_accelerator, "32").device,
            asked.max_seq_length if is_set else None,
            asked.window_stride if is_set else None,
        )
        found = tagger.tag(given)
    entities = [_entities(text, spans) for text, spans in zip(given, found, strict=True)]
    return entities[0] if isinstance(texts, str) else entities


def _entities(text: str, found: Sequence[ScoredSpan]) -> list[Entity]:
    return [Entity(*each.span, text[each.start : each.end], each.score) for each in found]
