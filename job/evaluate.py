"""`python -m job evaluate FILES`: a finished model's scores on labelled files of any form and URL.

The files are found and read as those of a corpus are, and tagged as `predict` tags them. The report
is that of a run, without what a training adds to it.
"""

import json
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from job import storage
from job.convert import refuse_within
from job.corpus import NFC, Split, read_labelled
from job.devices import Hardware
from job.encoding import LabelMap, encode
from job.errors import DataError
from job.evaluation import SplitResult, summary_table, write_report
from job.export import Tagger, open_model
from job.export import evaluate as evaluate_split
from job.figures import figure
from job.sentence import SPLITS
from job.settings import EvaluateSettings
from job.storage import MANIFEST, describe_files, masked
from job.training import computes_on

logger = logging.getLogger(__name__)

WRITTEN = frozenset(("index.html", "predictions.jsonl", "errors.jsonl", "metrics.json"))
SAID = "--output"
FILES_SHOWN = 3


def evaluate(
    places: Sequence[str],
    settings: EvaluateSettings,
    hardware: Hardware,
    *,
    max_seq_length: int | None = None,
    stride: int | None = None,
) -> tuple[str, dict]:
    """Scores the model on the files at `places`; the tables for a terminal, and the metrics.

    report/ appears in the folder OUTPUT when all is done, and replaces only one of its kind.
    Without `max_seq_length` the windows are those of training. Raises ArgumentError, DataError,
    OutputError or StorageError.
    """
    report_url = storage.join(settings.output, "report")
    for place in places:
        refuse_within(place, report_url, SAID)
    storage.refuse_others(report_url, WRITTEN, SAID)
    started_at = time.monotonic()
    folder, manifest = open_model(settings.downstream_model_dir, settings.cache_dir)
    tagger = Tagger.load(folder, manifest, hardware.device, max_seq_length, stride)
    if tagger.composes and settings.normalize != NFC:
        logger.info("The texts are composed (NFC), as in this model's training.")
    normalize = NFC if tagger.composes else settings.normalize
    splits = read_labelled(places, settings, normalize)
    gold_map = _gold_map(splits.values(), tagger.label_map)
    only = settings.types_rule.only
    storage.probe_writable(settings.output)  # not after hours of work
    results = [_score(splits[n], tagger, gold_map, only) for n in SPLITS if n in splits]
    _tell_types(results, tagger.label_map)
    facts = {
        **_facts(settings, manifest, places, splits),
        "normalize": normalize,
        "max sequence length": f"{tagger.max_seq_length}",
        "hardware": computes_on(hardware),
        "seconds": figure(time.monotonic() - started_at, ".0f"),
    }
    metrics = _write(report_url, facts, results, gold_map.types, settings.report_language)
    tables = "\n".join(summary_table(result) for result in results)
    return f"\n{tables}\nreport   {storage.join(report_url, 'index.html')}", metrics


def _gold_map(splits: Collection[Split], label_map: LabelMap) -> LabelMap:
    """The labels of the model, and those of the types that gold has besides. Raises DataError where
    gold has no type of the model's."""
    gold = Counter(s.type for split in splits for each in split.sentences for s in each.spans)
    unknown = [type_ for type_ in gold if type_ not in label_map.types]
    if unknown and len(unknown) == len(gold):
        raise DataError(
            f"{next(iter(splits)).path} has the entity types {', '.join(sorted(gold))}, of which "
            f"the model knows none (it knows {', '.join(label_map.types)}), so its scores would "
            f"say nothing; name the model's by TYPES_MAP, such as {unknown[0]}="
            f"{label_map.types[0]}."
        )
    return LabelMap((*label_map.types, *unknown))


def _score(split: Split, tagger: Tagger, gold_map: LabelMap, only: Collection[str]) -> SplitResult:
    encoded = encode(
        split.sentences,
        tagger.tokenizer,
        gold_map,
        max_seq_length=tagger.max_seq_length,
        stride=tagger.stride,
        truncate=False,
    )
    return evaluate_split(
        tagger.network,
        encoded,
        split.sentences,
        tagger.label_map,
        tagger.layout,
        name=split.name,
        ends=tagger.ends,
        gold_map=gold_map,
        only=only,
    )


def _tell_types(results: Sequence[SplitResult], label_map: LabelMap) -> None:
    """Types that only gold or only the model has, a line for each kind."""
    gold, predicted = Counter[str](), Counter[str]()
    for result in results:
        for type_, counts in result.characters.per_type.items():
            gold[type_] += counts.gold
            predicted[type_] += counts.predicted
    missed = {type_: n for type_, n in gold.items() if n and type_ not in label_map.types}
    if missed:
        logger.warning(
            "The model lacks %s: %s as missed. TYPES_MAP renames them, or drops them by NAME=-.",
            _listed(missed),
            "it counts" if sum(missed.values()) == 1 else "they count",
        )
    absent = [type_ for type_ in label_map.types if not gold[type_]]
    found = {type_: predicted[type_] for type_ in absent if predicted[type_]}
    common = ",".join(type_ for type_ in label_map.types if gold[type_])
    if found and common:
        logger.warning(
            "The files lack %s: what the model finds of them counts as wrong. TYPES_ONLY=%s leaves "
            "it out.",
            *(_listed(found), common),
        )
    elif absent:
        logger.info("The files lack %s, which the model knows.", ", ".join(absent))


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{type_} ({count} ×)" for type_, count in counts.items())


def _facts(
    settings: EvaluateSettings,
    manifest: Mapping,
    places: Sequence[str],
    splits: Mapping[str, Split],
) -> dict[str, str]:
    """Name → text, as those of a run: the files, how they were read, and the model's own."""
    trained = manifest.get("facts", {})
    named = {"model": "model", "trained on": "corpus"}
    more = f" and {len(places) - FILES_SHOWN} more" if len(places) > FILES_SHOWN else ""
    return {
        "evaluated model": masked(settings.downstream_model_dir),
        **{ours: trained[name] for ours, name in named.items() if name in trained},
        "corpus": ", ".join(map(masked, places[:FILES_SHOWN])) + more,
        **{f"{name} sha256": split.sha256 for name, split in splits.items()},
        **{f"{name} sentences": f"{len(split.sentences)}" for name, split in splits.items()},
        **{f"{n} types": "; ".join(s.type_notes) for n, s in splits.items() if s.type_notes},
        "entity types": "; ".join(settings.types_rule.options) or "as read",
    }


def _write(
    report_url: str,
    facts: Mapping[str, str],
    results: Sequence[SplitResult],
    types: Sequence[str],
    language: str,
) -> dict:
    """Puts the report in its place, with a manifest by which the next one knows it again."""
    with tempfile.TemporaryDirectory(prefix="job-") as scratch:
        folder = Path(scratch, "report")
        folder.mkdir()
        metrics = write_report(
            folder,
            title=f"{facts['corpus']} · {facts['evaluated model']}",
            facts=facts,
            history=(),
            results=results,
            types=types,
            language=language,
        )
        manifest = json.dumps(describe_files(folder), ensure_ascii=False, indent=2)
        (folder / MANIFEST).write_text(f"{manifest}\n", encoding="utf-8")
        storage.replace_dir(folder, report_url, SAID)
    return metrics
