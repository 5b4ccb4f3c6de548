"""Writes the parts of the documents that follow from the code, each between two markers.

Run it as `make docs`. A test holds the pages equal to what this writes.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo

from job.errors import EXIT_CODES
from job.launch.catalog import ACCELERATORS
from job.settings.field_types import SAMPLE_DEFAULTS
from job.settings.help import display, either
from job.settings.settings import Settings

ROOT = Path(__file__).parent.parent
# What the tree of CONTRIBUTING.md shows; the tests mirror job/.
ROOT_FILES = ("Dockerfile", "cloudbuild.yaml", ".pre-commit-config.yaml", ".ci/run")
FOLDERS = ("job", "docker", "bench", "docs")


@dataclass(frozen=True)
class Words:
    """The words of one language; where one is missing, the code's own English stands."""

    default: str = "default"
    exit_codes_head: str = "| code | meaning |"
    sample: str = "The corpus `sample` brings other defaults, for its tiny model:"
    last_choice: str = " or "
    groups: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)
    exit_codes: Mapping[int, str] = field(default_factory=dict)


def korean() -> Words:
    """The Korean words, of docs/arguments.ko.yaml."""
    return Words(**yaml.safe_load((ROOT / "docs/arguments.ko.yaml").read_text("utf-8")))


def arguments(words: Words) -> str:
    """A list of arguments for each group of `--help`, and what the sample changes."""
    lines = []
    for name, about in Settings.model_fields.items():
        said = about.json_schema_extra or {}
        if said.get("group"):
            lines += ["", f"## {words.groups.get(said['group'], said['group'])}", ""]
        meaning = words.meanings.get(name, about.description)
        choice = _choices(get_args(about.annotation), words) if _is_choice(about) else ""
        default = f"{words.default}: {_default(about, words)}"
        lines.append(f"- **`{name.upper()}`**, {default}<br>{_escaped(meaning + choice)}")
    preset = ", ".join(f"`{name.upper()}={display(v)}`" for name, v in SAMPLE_DEFAULTS.items())
    return "\n".join([*lines[1:], "", f"{words.sample} {preset}."])


def _default(about: FieldInfo, words: Words) -> str:
    in_words = (about.json_schema_extra or {}).get("default")
    if about.default is None and not in_words:
        in_words = "none"
    return words.defaults.get(in_words, in_words) if in_words else f"`{display(about.default)}`"


def _is_choice(about: FieldInfo) -> bool:
    return get_origin(about.annotation) is Literal


def _choices(options: tuple[str, ...], words: Words) -> str:
    *first, last = options
    return f" ({', '.join(first)}{words.last_choice}{last})" if first else ""


def _escaped(text: str) -> str:
    return re.sub(r"([<*])", r"\\\1", text)


def exit_codes(words: Words) -> str:
    """The table of the codes that a run can end with."""
    rows = [f"| {code} | {words.exit_codes.get(code, said)} |" for code, said in EXIT_CODES.items()]
    return "\n".join([words.exit_codes_head, "|---:|---|", *rows])


def machines() -> str:
    """The machines of Vertex AI for each GPU, with the numbers of GPUs that they take."""
    rows = ["| ACCELERATOR_TYPE | MACHINE_TYPE for one GPU | for several |", "|---|---|---|"]
    for name, accelerator in ACCELERATORS.items():
        if name == "TPU_V3":
            continue
        one = [f"`{machine}`" for machine, gpus in accelerator.counts.items() if 1 in gpus]
        several = [
            f"`{machine}` ({either([str(count) for count in counts])})"
            for machine, gpus in accelerator.counts.items()
            if (counts := [count for count in gpus if count > 1])
        ]
        rows.append(f"| `{name}` | {', '.join(one) or '–'} | {', '.join(several)} |")
    return "\n".join(rows)


def tree() -> str:
    """A list of folders and files, each with the first sentence that it says of itself."""
    files = [_entry(ROOT / name, name, depth=0) for name in ROOT_FILES]
    return "\n".join([*files, *(line for name in FOLDERS for line in _branch(ROOT / name, 0))])


def _branch(folder: Path, depth: int) -> Iterator[str]:
    yield _entry(folder, f"{folder.name}/", depth)
    inner = sorted(folder.iterdir(), key=lambda path: (path.is_dir(), path.name))
    for path in inner:
        if path.is_file() and path.name != "__init__.py" and sentence(path):
            yield _entry(path, path.name, depth + 1)
        elif path.is_dir() and any(sentence(file) for file in path.rglob("*")):
            yield from _branch(path, depth + 1)


def _entry(path: Path, shown: str, depth: int) -> str:
    said = sentence(path / "__init__.py" if path.is_dir() else path)
    link = f"[`{shown}`]({path.relative_to(ROOT)})"
    return f"{'  ' * depth}- {link}" + (f": {said}" if said else "")


def sentence(path: Path) -> str:
    """The first sentence of a module, or of the comment on top of a script; a page's heading."""
    if path.name.endswith(".ko.md") or not path.is_file():
        return ""
    if path.suffix == ".md":
        return re.match(r"# (.+)", path.read_text("utf-8"))[1]
    if path.suffix == ".py":
        said = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    elif path.suffix in (".sh", ".yaml", ".txt") or path.name in ("Dockerfile", "run"):
        comment = re.match(r"(?:#!.*\n)?((?:#.*\n)*)", path.read_text("utf-8"))[1]
        said = re.sub(r"^# ?", "", comment, flags=re.MULTILINE)
    else:
        said = ""
    return re.split(r"(?<=\.)\s", " ".join(said.split("\n\n")[0].split()))[0]


# Page → the name of its markers → what stands between them.
PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "docs/arguments.md": {"arguments": lambda: arguments(Words())},
    "docs/arguments.ko.md": {"arguments": lambda: arguments(korean())},
    "docs/outputs.md": {"exit codes": lambda: exit_codes(Words())},
    "docs/outputs.ko.md": {"exit codes": lambda: exit_codes(korean())},
    "docs/cloud.md": {"machines": machines},
    "CONTRIBUTING.md": {"tree": tree},
}


def filled(page: str) -> str:
    """The text of a page with its parts written anew. Raises ValueError without its markers."""
    text = (ROOT / page).read_text("utf-8")
    for name, part in PARTS[page].items():
        pieces = re.split(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", text, flags=re.DOTALL)
        if len(pieces) != 4:
            raise ValueError(
                f"{page}: write <!-- {name} --> and <!-- /{name} --> on lines of their own, once"
            )
        before, begin, end, after = pieces
        text = f"{before}{begin}\n{part()}\n\n{end}{after}"
    return text


if __name__ == "__main__":
    for page in PARTS:
        (ROOT / page).write_text(filled(page), "utf-8")
        print(page)
