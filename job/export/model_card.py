"""The model card: what the model is, how well it does, how to use it, what it was made from.

Front matter: https://huggingface.co/docs/hub/model-cards
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from huggingface_hub import EvalResult, ModelCardData

from job.encoding import LabelMap
from job.evaluation import METRICS, Counts
from job.figures import figure
from job.program import COMMAND

EXAMPLE = "김민수는 서울에서 태어났다."
CARD = """\
---
{metadata}
---

# {title}

A Korean named-entity recogniser: it marks mentions of {types} in a sentence.

한국어 문장에서 개체명({types})을 찾는 모델입니다. `{model}`을(를) 말뭉치 `{corpus}`(으)로 \
미세 조정했습니다. 아래의 `transformers` 코드로 바로 쓸 수 있고, 긴 문장이나 파일은 \
`{command} predict`로 태깅하세요. 라이선스는 말뭉치와 사전 학습 모델의 것을 따릅니다.

## Use

On exact characters, long texts included, with `tagger.py` of this directory, which needs `torch` \
and `transformers` alone:

```python
from tagger import Tagger

for entity in Tagger(".")("{example}"):
    print(entity.start, entity.end, entity.type, entity.text, entity.score)
```

The pipeline of `transformers` opens the model, too. It reads one window, and its entities end with
a wordpiece, a particle included where the wordpiece holds one:

```python
from transformers import pipeline

tag = pipeline("token-classification", model=".", aggregation_strategy="simple")
for entity in tag("{example}"):
    print(entity["start"], entity["end"], entity["entity_group"], entity["score"])
```

Whole files are tagged by the project that trained this model:

```
{command} predict sentences.txt tagged.txt --downstream_model_dir=.
```

## Results

{summary}

{results}
F1 counts an entity when its type and both its ends are right. *Characters* compares with the text
itself; *wordpieces* compares after gold was laid on the tokenizer's pieces, as published scores
usually do, and hides entities that end inside a piece.

## Labels

In id order, as in `label_map.txt` and `config.json`. `[CLS] [SEP] [PAD] [MASK]` hold their ids for
compatibility and are never predicted on purpose.

```
{labels}
```

## How it was made

{facts}
Every number of the evaluation is in `metrics.json`.

## Licence

No licence of its own: the licences of the training corpus and of the base model apply to these
weights. Read both before you publish or sell anything built on them.
"""


def write_card(file: Path, label_map: LabelMap, metrics: Mapping, facts: Mapping[str, str]) -> None:
    """Writes README.md: `metrics` as `write_report` returns them, `facts` as they are."""
    model, corpus = facts.get("model", "a base model"), facts.get("corpus", "a corpus")
    on_hub = re.fullmatch(r"[\w.-]+/[\w.-]+", model) and not Path(model).exists()
    title = f"Named entities, {_plain(model)} on {_plain(corpus)}"
    card = CARD.format(
        metadata=_metadata(title, model if on_hub else None, corpus, metrics),
        title=title,
        types=_plain(", ".join(label_map.types)) or "no type",
        model=_plain(model),
        corpus=_plain(corpus),
        summary=_summary(metrics),
        results=_results(metrics),
        example=EXAMPLE,
        command=COMMAND,
        labels="\n".join(label_map.labels),
        facts=_table(("fact", "value"), list(facts.items())),
    )
    file.write_bytes(card.encode("utf-8", "backslashreplace"))


def _metadata(title: str, base: str | None, corpus: str, metrics: Mapping) -> str:
    """The front matter, with the F1 of each split where the hub looks for it (model-index)."""
    results = [
        EvalResult(
            task_type="token-classification",
            task_name="Named-entity recognition",
            dataset_type=corpus,
            dataset_name=corpus,
            dataset_split=name,
            metric_type="f1",
            metric_name="F1 (micro, exact characters)",
            metric_value=split["characters"]["micro"]["f1"],
        )
        for name, split in metrics.get("splits", {}).items()
    ]
    data = ModelCardData(
        language="ko",
        library_name="transformers",
        license="other",
        pipeline_tag="token-classification",
        tags=["named-entity-recognition"],
        base_model=base,
        model_name=title,
        eval_results=results or None,
    )
    return str(data.to_yaml())


def _summary(metrics: Mapping) -> str:
    """A sentence for each split: F1 with and without the table of ends, and the limit of tags."""
    lines = []
    for name, split in metrics.get("splits", {}).items():
        line = f"**{name}**: F1 on exact characters {figure(split['characters']['micro']['f1'])}"
        if alone := split.get("tags_alone"):
            line += f", without the table of ends {figure(alone['micro']['f1'])}"
        if ceiling := split.get("tags_ceiling"):
            line += f"; tags without a table could not be above {figure(ceiling)}"
        lines.append(f"- {line}.")
    return "\n".join(lines) or "Not evaluated."


def _results(metrics: Mapping) -> str:
    """One row per split, measure and type; the micro average first."""
    rows = []
    for name, split in metrics.get("splits", {}).items():
        for measure in ("characters", "wordpieces"):
            scores = split[measure]
            counts = {"**all**": scores["micro"], **scores["per_type"]}
            rows += [(name, measure, type_, *_figures(c)) for type_, c in counts.items()]
    if not rows:
        return ""
    header = ("split", "measure", "type", *(each.title for each in METRICS.values()), "entities")
    return _table(header, rows)


def _figures(said: Mapping) -> tuple[str, ...]:
    counts = Counts(**{field.name: said[field.name] for field in fields(Counts)})
    return *(each.text(counts) for each in METRICS.values()), f"{counts.gold:,}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(_plain(cell) for cell in line)} |\n" for line in lines)


def _plain(text: str) -> str:
    """One line that cannot break a table or open a tag."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")
