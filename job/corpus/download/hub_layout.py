"""The files of one configuration of a dataset, by how its repository is laid out.

Reference: https://huggingface.co/docs/hub/datasets-data-files-configuration
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import yaml

from job.errors import ArgumentError, DataError

DATA = re.compile(
    r".*\.(parquet|arrow|jsonl?|ndjson|csv|tsv|txt|conll\w*|iob2?|bio|xlsx|ann|xml)"
    r"(\.(gz|bz2|xz))?|.*\.(zip|tar|tgz|tar\.(gz|bz2|xz))",
    re.IGNORECASE,
)
NO_DATA = re.compile(
    r"(.*/)?(\..*|dataset_infos?\.json|dataset_dict\.json|state\.json|requirements\.txt|readme.*"
    r"|licen[cs]e.*|label_names\.txt)|dummy/.*",
    re.IGNORECASE,
)
FRONT_MATTER = re.compile(r"\ufeff?---\r?\n(.*?)\r?\n---\r?(\n|\Z)", re.DOTALL)
DEFAULT = "default"
PACKED = (".gz", ".bz2", ".xz")
NAMES_SHOWN = 12


@dataclass(frozen=True)
class Chosen:
    """Path by which a file's split is told → its path in the repository; and how it was found."""

    files: dict[str, str]
    how: str


def front_matter(readme: bytes) -> dict[str, object]:
    """The table on top of README.md; empty where there is none."""
    found = FRONT_MATTER.match(readme.decode("utf-8", errors="replace"))
    try:
        table = yaml.safe_load(found[1]) if found else None
    except (yaml.YAMLError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}


def data_files(paths: Iterable[str]) -> list[str]:
    """Those that may hold sentences."""
    return sorted(p for p in paths if DATA.fullmatch(p) and not NO_DATA.fullmatch(p))


def choose_files(url: str, inside: str, paths: Sequence[str], readme: bytes) -> Chosen | None:
    """The files of the configuration `inside`, or below that path; None where the repository has
    none, or has a script that makes its sentences of them.

    Raises ArgumentError, with the configurations' names, and DataError.
    """
    data = data_files(paths)
    configurations = _configurations(url, front_matter(readme), paths, data)
    if inside in configurations or (configurations and not inside):
        return _configured(url, inside, configurations)
    is_made = any(re.fullmatch(r"[^/]+\.py", path) for path in paths)
    below = _below(inside, paths if inside else data)
    if below and (inside or not is_made):
        return Chosen(below, f"the files below {inside}" if inside else "all of its files")
    if data and not is_made:
        names = sorted(configurations) or sorted({path.partition("/")[0] for path in data})
        raise ArgumentError(f"{url}: there is no {inside} in it, but {_few(names)}; name one.")
    return None


def choose_converted(url: str, inside: str, paths: Sequence[str]) -> Chosen:
    """The files of a configuration in the hub's conversion: its folder holds one for each split.

    Raises ArgumentError and DataError.
    """
    by_configuration: dict[str, dict[str, str]] = {}
    for path in data_files(paths):
        configuration, _, rest = path.partition("/")
        by_configuration.setdefault(configuration, {})[rest] = path
    chosen = _configured(
        url, inside, {name: _Files(files) for name, files in by_configuration.items()}
    )
    if any(path.startswith("partial-") for path in chosen.files):
        raise DataError(
            f"{url}: the hub has converted only a part of it to Parquet; download the dataset "
            "itself and name its folder."
        )
    return Chosen(chosen.files, f"{chosen.how} as the hub has converted it to Parquet")


@dataclass(frozen=True)
class _Files:
    files: dict[str, str]
    is_default: bool = False


def _configured(url: str, wanted: str, found: Mapping[str, _Files]) -> Chosen:
    """The one that is wanted, or the only one, or the default."""
    defaults = [name for name, each in found.items() if each.is_default or name == DEFAULT]
    if not wanted:
        names = defaults if len(defaults) == 1 else list(found)
        if len(names) > 1:
            raise ArgumentError(
                f"{url} has several configurations: {_few(sorted(found))}; name one, as in "
                f"{url.rstrip('/')}/{sorted(found)[0]}"
            )
        wanted = names[0]
    if wanted not in found:
        raise ArgumentError(f"{url}: there is no {wanted} in it, but {_few(sorted(found))}.")
    return Chosen(found[wanted].files, f"the configuration {wanted}")


def _configurations(
    url: str, table: Mapping[str, object], paths: Sequence[str], data: Sequence[str]
) -> dict[str, _Files]:
    """Those that README.md names, with their files. Raises DataError where it names none there."""
    listed = table.get("configs")
    found = {}
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and isinstance(each.get("config_name"), str):
            name = each["config_name"]
            found[name] = _Files(_files_of(url, name, each, paths, data), bool(each.get("default")))
    return found


def _files_of(
    url: str, name: str, each: Mapping[str, object], paths: Sequence[str], data: Sequence[str]
) -> dict[str, str]:
    folder = each.get("data_dir")
    folder = f"{folder.strip('/')}/" if isinstance(folder, str) else ""
    if "data_files" not in each:
        return _below(folder.rstrip("/"), data)
    files: dict[str, str] = {}
    for split, pattern in _patterns(each["data_files"]):
        matched = _matching(f"{folder}{pattern.removeprefix('./')}", paths)
        if not matched:
            raise DataError(
                f"{url}: README.md names {pattern} for {split or 'the data'} of {name}, and the "
                "repository has no such file; name the path of a folder or file in it instead."
            )
        for path in matched:
            # The split that README.md says, whatever the file's own name has.
            files[f"{split}/{len(files):05d}{_ending(path)}" if split else path] = path
    return files


def _patterns(value: object) -> list[tuple[str, str]]:
    """(split, pattern) for each pattern; the split is empty where the files' names say it."""
    patterns = []
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            found = each.get("path")
            split = str(each.get("split", ""))
            patterns += [(split, str(p)) for p in (found if isinstance(found, list) else [found])]
        else:
            patterns.append(("", str(each)))
    return patterns


def _matching(pattern: str, paths: Sequence[str]) -> list[str]:
    """As shells do: `*` stops at a slash, and `**` does not."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    meant = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    regex = re.compile("".join(meant.get(part) or re.escape(part) for part in parts))
    return sorted(path for path in paths if regex.fullmatch(path))


def _ending(path: str) -> str:
    """The last ending, and the one before it of a file that is compressed alone."""
    suffixes = PurePosixPath(path).suffixes
    return "".join(suffixes[-2:] if suffixes[-1:] and suffixes[-1] in PACKED else suffixes[-1:])


def _below(inside: str, paths: Iterable[str]) -> dict[str, str]:
    """The files below a path, or the one at it, each by its path from there."""
    if not inside:
        return {path: path for path in paths}
    found = {p[len(inside) + 1 :]: p for p in data_files(paths) if p.startswith(f"{inside}/")}
    return found or {inside.rpartition("/")[2]: p for p in paths if p == inside}


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more
