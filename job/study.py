"""What hyperparameter tuning varies, as text and as Vertex AI's StudySpec.

https://cloud.google.com/vertex-ai/docs/reference/rest/v1/StudySpec
"""

import math
import re
from typing import Any

from job.settings import SECRETS, Settings

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


def _parse(part: str) -> dict[str, Any]:
    name, _, values = (piece.strip() for piece in part.partition("="))
    field = Settings.model_fields.get(name)
    if field is None or name in SECRETS:
        raise ValueError(f"arguments of the job in lower case; {name!r} is none")
    if ".." in values:
        return {"parameterId": name, **_range(name, values, field.annotation is int)}
    return {"parameterId": name, **_choices(name, values)}


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
    # int64 is text in protobuf's JSON.
    values = (str(int(least)), str(int(most))) if is_whole else (least, most)
    return {
        kind: {"minValue": values[0], "maxValue": values[1]},
        "scaleType": "UNIT_LOG_SCALE" if scale else "UNIT_LINEAR_SCALE",
    }


def _choices(name: str, text: str) -> dict[str, Any]:
    values = [value.strip() for value in text.split("|")]
    if len(values) < 2 or not all(values):
        raise ValueError(f"{name}=value|value or {name}=low..high")
    if all(_NUMBER.fullmatch(value) for value in values):
        return {"discreteValueSpec": {"values": sorted(float(value) for value in values)}}
    return {"categoricalValueSpec": {"values": values}}
