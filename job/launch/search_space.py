"""The arguments that tuning varies, as text and as Vertex AI's StudySpec.

https://cloud.google.com/vertex-ai/docs/reference/rest/v1/StudySpec
"""

import math
import re
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from job.settings import Settings

# What a trial may vary; the rest says where, on what, or how it is judged.
TUNABLE = (
    "learning_rate",
    "batch_size",
    "epochs",
    "seed",
    "lr_scheduler",
    "warmup_ratio",
    "weight_decay",
    "gradient_accumulation",
    "gradient_clip",
    "early_stopping_patience",
    "max_seq_length",
    "long_sentences",
    "window_stride",
    "pretrained_model_name",
    "precision",
)
# Those that the job's rules look at together (`job.settings.conflicts`); the others stand alone.
JUDGED_TOGETHER = (
    ("warmup_ratio", "lr_scheduler"),
    ("window_stride", "max_seq_length", "long_sentences"),
)
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?", re.IGNORECASE)


def parse_parameters(text: str) -> list[dict[str, Any]]:
    """`a=1e-5..1e-4:log,b=16|32` as StudySpec's parameters.

    Raises ValueError whose text says what it must be: an argument of the job, with a range of
    numbers (logarithmic where it says so) or a list of values.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ValueError("name=low..high or name=value|value, with commas between")
    parameters = [_parse(part) for part in parts]
    names = [each["parameterId"] for each in parameters]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"a list that names {name} once")
    return parameters


def values_of(parameter: dict[str, Any]) -> list[float | int | str]:
    """The values that a trial may take for a parameter: its choices, or the ends of its range."""
    for kind in ("integerValueSpec", "doubleValueSpec"):
        if ends := parameter.get(kind):
            convert = int if kind == "integerValueSpec" else float
            return [convert(ends["minValue"]), convert(ends["maxValue"])]
    if numbers := parameter.get("discreteValueSpec"):
        return [int(value) if value.is_integer() else value for value in numbers["values"]]
    return parameter["categoricalValueSpec"]["values"]


def _parse(part: str) -> dict[str, Any]:
    name, _, values = (piece.strip() for piece in part.partition("="))
    if name not in TUNABLE:
        raise ValueError(f"any of {', '.join(TUNABLE)}; {name!r} is none")
    if ".." in values:
        is_whole = Settings.model_fields[name].annotation is int
        return {"parameterId": name, **_range(name, values, is_whole)}
    return {"parameterId": name, **_choices(name, values)}


def _check(name: str, value: str) -> None:
    """Raises ValueError for a value that the job itself would refuse."""
    field = Settings.model_fields[name]
    kind: Any = Annotated[field.annotation, name, *field.metadata]
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        [found] = error.errors()[:1]
        said = found["msg"].replace("Input should be ", "")
        raise ValueError(f"values that the job takes; {name} must be {said}, not {value}") from None


def _range(name: str, text: str, is_whole: bool) -> dict[str, Any]:
    bounds, _, scale = text.partition(":")
    low, high = (bound.strip() for bound in bounds.split("..", 1))
    if not (_NUMBER.fullmatch(low) and _NUMBER.fullmatch(high)) or scale not in ("", "log"):
        raise ValueError(f"{name}=low..high or {name}=low..high:log")
    least, most = float(low), float(high)
    if not least < most or (scale and least <= 0) or not math.isfinite(most):
        raise ValueError(f"a range of {name} that rises, and above 0 where it is logarithmic")
    kind = "integerValueSpec" if is_whole else "doubleValueSpec"
    if is_whole and not (least.is_integer() and most.is_integer()):
        raise ValueError(f"a range of whole numbers for {name}")
    _check(name, low)
    _check(name, high)
    # int64 is text in protobuf's JSON.
    values = (str(int(least)), str(int(most))) if is_whole else (least, most)
    return {
        kind: {"minValue": values[0], "maxValue": values[1]},
        "scaleType": "UNIT_LOG_SCALE" if scale else "UNIT_LINEAR_SCALE",
    }


def _choices(name: str, text: str) -> dict[str, Any]:
    words = [value.strip() for value in text.split("|")]
    if len(words) < 2 or not all(words):
        raise ValueError(f"{name}=value|value or {name}=low..high")
    for word in words:
        _check(name, word)
    is_number = Settings.model_fields[name].annotation in (int, float)
    values = sorted(map(float, words)) if is_number else words
    if len(set(values)) < len(values):
        raise ValueError(f"a list of different values for {name}")
    if is_number:
        return {"discreteValueSpec": {"values": values}}
    return {"categoricalValueSpec": {"values": values}}
