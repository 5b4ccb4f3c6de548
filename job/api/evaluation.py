"""`evaluate`: the scores of a model on labelled files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from job import storage
from job.api.guest import as_guest
from job.settings import EvaluateSettings, parse_keywords


@dataclass(frozen=True)
class Evaluation:
    """The outcome of `evaluate`. `metrics` are those of report/metrics.json."""

    report: str
    metrics: Mapping = field(repr=False)

    @property
    def f1(self) -> float:
        """Entity F1 (micro, exact characters) on the test split where there is one, else on the
        last."""
        *_, last = self.metrics["splits"].values()
        return last["characters"]["micro"]["f1"]


def evaluate(
    files: str | Sequence[str],
    model_dir: str,
    *,
    environ: Mapping[str, str] | None = None,
    **settings: object,
) -> Evaluation:
    """Scores the model at `model_dir` on labelled files, as `korean-ner evaluate` does.

    `files` are paths or URLs, in any format; `settings` are `output`, the folder of the report, and
    those that say how files are read. Raises ArgumentError, DataError and the others of
    `job.errors`.
    """
    places = [files] if isinstance(files, str) else [str(each) for each in files]
    parsed = parse_keywords(
        ["evaluate", *places],
        {**settings, "downstream_model_dir": model_dir},
        environ,
        settings_class=EvaluateSettings,
    )
    asked = parsed.settings
    assert isinstance(asked, EvaluateSettings)
    is_set = parsed.sources["max_seq_length"] != "default"
    with as_guest(asked):
        from job.devices import choose_hardware
        from job.evaluate import evaluate as score

        _, metrics = score(
            places,
            asked,
            choose_hardware(asked.wanted_accelerator, "32"),
            max_seq_length=asked.max_seq_length if is_set else None,
            stride=asked.window_stride if is_set else None,
        )
    return Evaluation(storage.join(asked.output, "report", "index.html"), metrics)
