"""The names that a run may delete: strictly below their owner, and its own where that is a root.

An owner is the folder that the deletion is for: a run's output, its checkpoints, CACHE_DIR. In a
bucket's root others' files lie beside the run's.
"""

import os
import re
from pathlib import Path

from job.storage.urls import is_local, local_path

# All that a run writes directly below its output, and nothing of anybody else. Earlier versions
# wrote `compiled`.
NAMES = ("LEASE.json", "checkpoints", "compiled", "label_map.txt", "logs", "model", "report")
_WRITER = "[0-9a-f]{8}"  # ends a name that one writer made for itself
_WHOLE = rf"({'|'.join(map(re.escape, NAMES))}|LEASE\.json\.{_WRITER}|\.probe-{_WRITER})"
_BESIDE = rf"({_WRITER}|lock)"
OUTPUT = re.compile(rf"{_WHOLE}|\.{_WHOLE}\.{_BESIDE}|\.(model|report)\.(new|old)-{_WRITER}")


class NotOwnedError(Exception):
    """A fault of the job: it was about to delete what is not its own. Nothing was deleted."""


def is_staged(name: str, of: re.Pattern[str]) -> bool:
    """Whether it is a half-written file of a name that `of` matches, or its lock."""
    found = re.fullmatch(rf"\.(.+)\.{_BESIDE}", name)
    return bool(found and of.fullmatch(found[1]))


def require_below(url: str, owner: str) -> None:
    """Raises NotOwnedError unless `url` lies strictly below `owner` and may be deleted there."""
    above, parts = _parts(owner), _parts(url)
    below = parts[len(above) :]
    if parts[: len(above)] != above or not below or {"", ".", "..", "/"} & {*below}:
        raise NotOwnedError(f"{url} does not lie below {owner}")
    is_root = len(above) == (1 if is_local(owner) else 2)
    if is_root and not OUTPUT.fullmatch(below[0]):
        raise NotOwnedError(f"{url} is not the job's own name in {owner}")
    if is_local(url):
        _require_no_way_out(Path(*parts), Path(*above))


def _parts(url: str) -> list[str]:
    """A path from the root, or scheme and bucket and the names below. Slashes at the end are
    nothing; in a bucket those within are."""
    if is_local(url):
        # As the system takes it: `..` is not undone, for it may follow a link.
        return list((Path.cwd() / local_path(url)).parts)
    scheme, _, rest = url.partition("://")
    return ["gs" if scheme == "gcs" else scheme, *rest.rstrip("/").split("/")]


def _require_no_way_out(path: Path, owner: Path) -> None:
    """A link on the way may lead to what is somebody else's; one at the end is only unlinked."""
    folder, inside = os.path.realpath(path.parent), os.path.realpath(owner)
    if Path(folder) != Path(inside) and Path(inside) not in Path(folder).parents:
        raise NotOwnedError(f"{path}: a link leads out of {owner}")
