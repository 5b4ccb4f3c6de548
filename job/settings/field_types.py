"""The kinds of text that an argument can be, each with the words that say what is allowed.

A ValueError raised here carries what follows "must be" in the message that the user sees.
"""

import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.fields import FieldInfo

from job.sentence import SPLITS
from job.storage import check_location, check_output, is_local, local_path, masked, scheme_of

# What the embedded corpus and its tiny model want, where the user says nothing.
SAMPLE_DEFAULTS: dict[str, Any] = {
    "pretrained_model_name": "sample",
    "learning_rate": 3e-3,
    "epochs": 12,
}


TPU_CORES = (0, 1, 4, 8)
MOST_DEVICES = 256
_ENDING = re.compile(r"(\.(jsonl?|csv|tsv|txt|tar))?\.[A-Za-z]\w{0,9}$")
CORPUS_ROLES = (
    *("text", "tags", "tokens", "sentence", "spans", "mention", "start", "end", "length", "type"),
    *("ends", "offsets"),
)
ENDS = ("inclusive", "exclusive")
OFFSETS = ("codepoints", "utf16", "bytes", "graphemes", "tokens", "morphemes")


def matching(pattern: str, allowed: str) -> AfterValidator:
    """Refuses text that `pattern` does not match whole."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(allowed)
        return text

    return AfterValidator(check)


def parse_sha256(text: str) -> dict[str, str]:
    """`train=<hex>,val=<hex>` as split -> lower-case hex. Raises ValueError for anything else."""
    pairs = [pair.strip().partition("=") for pair in text.split(",") if pair.strip()]
    digests = {split.strip(): digest.strip().lower() for split, _, digest in pairs}
    hexadecimal = all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in digests.values())
    if not hexadecimal or len(digests) < len(pairs) or not digests.keys() <= set(SPLITS):
        raise ValueError("train=<64 hex digits>,val=<64 hex digits>, and test=… where there is one")
    return digests


def _check_sha256(text: str) -> str:
    parse_sha256(text)
    return text


def parse_fields(text: str) -> dict[str, str]:
    """`text=2,tags=4` or `text=form,spans=NE` as role -> column or key. Raises ValueError.

    `end=inclusive` says how ends count, as `ends=inclusive` does; `end=endPos` names a key.
    """
    pairs = [pair.strip().partition("=") for pair in text.split(",") if pair.strip()]
    pairs = [
        ("ends" if role.strip() == "end" and place.strip() in ENDS else role, sign, place)
        for role, sign, place in pairs
    ]
    fields = {role.strip(): place.strip() for role, _, place in pairs}
    if not all(fields.values()) or len(fields) < len(pairs) or fields.keys() - set(CORPUS_ROLES):
        raise ValueError("text=2,tags=4 (columns, counted from 1) or text=form,spans=NE (keys)")
    if fields.get("ends", ENDS[0]) not in ENDS:
        raise ValueError("end=inclusive or end=exclusive")
    if fields.get("offsets", OFFSETS[0]) not in OFFSETS:
        raise ValueError(f"offsets={'|'.join(OFFSETS)}")
    columns = [int(place) for place in fields.values() if place.isdecimal()]
    if len(set(columns)) < len(columns) or any(not 1 <= column <= 99 for column in columns):
        raise ValueError("text=2,tags=4, two different columns, counted from 1")
    return fields


def _check_fields(text: str) -> str:
    parse_fields(text)
    return text


def title_of(place: str) -> str:
    """A short name for what lies at a path or URL: its last part, without an ending."""
    if (scheme_of(place) or "").lower() in ("http", "https"):
        parts = urlsplit(place)
        name = unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.hostname
    elif is_local(place):
        path = local_path(place)
        name = path.name if path.name not in ("", "..") else path.resolve().name
    else:
        name = place.rstrip("/").rpartition("/")[2]
    name = name or "corpus"
    return _ENDING.sub("", name) or name


def _check_tpu_cores(cores: int) -> int:
    if cores not in TPU_CORES:
        raise ValueError("0, 1, 4 or 8")
    return cores


def _check_devices(value: object, as_number: ValidatorFunctionWrapHandler) -> int | None:
    """Other trainers write 0, -1 or auto for all of them, or the numbers of the GPUs."""
    with suppress(ValidationError):
        devices: int | None = as_number(value)
        if devices is None or 1 <= devices <= MOST_DEVICES:
            return devices
    raise ValueError(f"a whole number, at least 1 and at most {MOST_DEVICES}; leave it out for all")


def cache_home(environ: Mapping[str, str]) -> Path:
    """The folder of downloads: XDG_CACHE_HOME, else ~/.cache, else the temporary folder.

    https://specifications.freedesktop.org/basedir-spec/latest/ (a relative path is to be ignored)
    """
    for name, below in (("XDG_CACHE_HOME", ""), ("HOME", ".cache")):
        if environ.get(name, "").startswith("/"):
            return Path(environ[name], below, "korean-ner-job")
    return Path(tempfile.gettempdir(), "korean-ner-job")


def _check_folder(text: object) -> object:
    if isinstance(text, str):
        if not text or scheme_of(text) is not None:
            raise ValueError("a folder of this machine")
        check_location(text)
    return text


def judge_files(command: str, read: str, written: str) -> list[str]:
    """The mistakes in the places of `predict` or `convert`, a sentence each."""
    return [
        *judge_file(command, "IN", read),
        *judge_file(command, "OUT", written, (check_location, check_output)),
    ]


def judge_file(
    command: str,
    name: str,
    place: str,
    checks: Sequence[Callable[[str], object]] = (check_location,),
) -> list[str]:
    """The mistake in a place that the command calls `name`, if there is one."""
    try:
        for check in checks:
            check(place)
    except ValueError as error:
        return [f"{command}: {name} = {masked(place)!r}: must be {error}."]
    return []


def in_help(
    default: str | None = None, group: str | None = None, only_for: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The text in `--help` in place of the default, and the title of the group that starts here.

    `only_for`: the operands of the command, such as the targets of `spec`, that take the argument;
    without any, all of them do.
    """
    return {"default": default, "group": group, "only_for": only_for}


def said_in(field: FieldInfo) -> dict[str, Any]:
    """The facts that `in_help` put into a field; empty without it."""
    extra = field.json_schema_extra
    return extra if isinstance(extra, dict) else {}


def default_batch_size(validated: dict[str, Any]) -> int:
    """The tutorial's: per device 32, per TPU core 4."""
    on_tpu = validated["tpu_cores"] or validated["accelerator"] == "tpu"
    return 4 if on_tpu else 32


def default_window_stride(validated: dict[str, Any]) -> int:
    """That of windows of MAX_SEQ_LENGTH."""
    return usual_stride(validated["max_seq_length"])


def usual_stride(max_seq_length: int) -> int:
    """Wordpieces that windows of this length share: sixteen, or half of a short window."""
    return min(16, (max_seq_length - 2) // 2)


LocalFolder = Annotated[Path, BeforeValidator(_check_folder)]
EmptyIsNone = BeforeValidator(lambda value: None if value == "" else value)

Location = Annotated[str, StringConstraints(min_length=1), AfterValidator(check_location)]
OutputLocation = Annotated[Location, AfterValidator(check_output)]
CorpusName = Annotated[
    str, matching(r"(?!\.+$)[\w.-]+", "a name of letters, digits, '.', '_' and '-'")
]
Resume = Annotated[
    Location, matching(r"auto|never|.*/.*", "auto, never, or the path or URL of a checkpoint")
]
# A pasted token is no name, and is not shown: `parsing` hides what is wrong with this one.
SecretName = Annotated[
    str,
    matching(
        r"projects/[a-z0-9:.-]+/secrets/[\w-]+(/versions/(\d+|latest))?",
        "the name of a secret, projects/PROJECT/secrets/NAME, and not the secret itself",
    ),
]
CorpusFields = Annotated[str, AfterValidator(_check_fields)]
Sha256s = Annotated[str, AfterValidator(_check_sha256)]
TpuCores = Annotated[int, AfterValidator(_check_tpu_cores)]
Devices = Annotated[int | None, WrapValidator(_check_devices), EmptyIsNone]
