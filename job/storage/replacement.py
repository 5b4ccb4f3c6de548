"""A finished folder in the place of the one before, model/ or report/; what others put there stays.

Ours are the files that the MANIFEST.json there names. A folder that comes without one, report/, has
the same names each time.
"""

import errno
import json
import logging
import os
import re
import shutil
import unicodedata
import uuid
from collections.abc import Set
from pathlib import Path

import job
from job.errors import OutputError
from job.storage import objects
from job.storage.faults import FULL
from job.storage.local import make_folder, sync
from job.storage.locks import tell_once
from job.storage.manifest import FORMAT, MANIFEST, named_files
from job.storage.owned import is_staged
from job.storage.retry import persist
from job.storage.urls import is_local, join, local_path

logger = logging.getLogger(__name__)

# Beside files that are being replaced one by one: which of them are ours.
UNFINISHED = ".unfinished.json"
OUTPUT = "DOWNSTREAM_MODEL_DIR"


def replace_dir(folder: Path, url: str, said: str = OUTPUT) -> None:
    """Puts `folder` in the place of what lies at `url`, which the argument `said` leads to.

    Locally one whole directory takes the place of the other. Elsewhere, and where a directory
    cannot be renamed, the old MANIFEST.json goes first and the new one comes last: a reader finds
    the old content, nothing, or the new one.
    Raises OutputError where another's file has a name that is needed.
    """
    new = {path.name for path in folder.iterdir()}
    ours = refuse_others(url, new, said) if MANIFEST in new else new
    if is_local(url):
        _remove_half_written(url, ours | new | {UNFINISHED})
    _tell_left(url, ours | new | {UNFINISHED})
    if is_local(url):
        target = local_path(url)
        if persist(url, lambda: _replace_folder(folder, target)):
            objects.remove(join(url, UNFINISHED), url)
            return
    if MANIFEST in new:
        _replace_files(folder, url, ours, new)
    else:
        objects.upload_dir(folder, url)


def _replace_files(folder: Path, url: str, ours: Set[str], new: Set[str]) -> None:
    unfinished = join(url, UNFINISHED)
    names = dict.fromkeys(sorted((ours | new) - {UNFINISHED}))
    facts = {"format": FORMAT, "code_version": job.__version__, "files": names}
    objects.write_bytes(unfinished, json.dumps(facts).encode())
    objects.remove(join(url, MANIFEST), url)
    objects.upload_dir(folder, url)
    for name in sorted(ours - new - {UNFINISHED}):
        objects.remove(join(url, name), url)
    objects.remove(unfinished, url)


def _remove_half_written(url: str, names: Set[str]) -> None:
    """What a call that wrote file by file left when it was killed."""
    of_ours = re.compile("|".join(map(re.escape, names)))
    for name in objects.list_names(url):
        if is_staged(name, of_ours):
            objects.remove(join(url, name), url)


def refuse_others(url: str, needed: Set[str], said: str = OUTPUT) -> Set[str]:
    """The names of ours at `url`. Raises OutputError where one of the `needed` is not of them."""
    there = set(objects.list_names(url))
    ours: set[str] = set()
    for name in {MANIFEST, UNFINISHED} & there:
        try:
            manifest = objects.read_bytes(join(url, name))
        except FileNotFoundError:  # another job has just published there
            return refuse_others(url, needed, said)
        if named := named_files(manifest, otherwise=needed):
            ours |= named | {name}
    if others := sorted((there & needed) - ours | _by_another_spelling(url, there, needed)):
        raise OutputError(
            f"{url}: {', '.join(others)} would be overwritten, and no MANIFEST.json of this job "
            f"names them; move them elsewhere and start again, or choose another {said}."
        )
    return ours


def _by_another_spelling(url: str, there: Set[str], needed: Set[str]) -> set[str]:
    """The names at `url` that a file system takes for one of the `needed`: readme.md, on most of a
    Mac or Windows, for README.md."""

    def folded(name: str) -> str:
        return unicodedata.normalize("NFC", name).casefold()

    missing = {folded(name): name for name in needed - there}
    return {
        name
        for name in there - needed
        if folded(name) in missing and objects.exists(join(url, missing[folded(name)]))
    }


def _tell_left(url: str, ours: Set[str]) -> None:
    if left := sorted(set(objects.list_names(url)) - ours):
        names = ", ".join(left)
        logger.info("%s: left in place, because the job did not write them: %s.", url, names)


def _replace_folder(folder: Path, target: Path) -> bool:
    """Puts a copy of `folder` in the place of what lies at `target`, as a whole; False, and nothing
    is changed, where that cannot be: at a link, a mount point, or where folders are not renamed.

    What is not ours, by the manifest there, moves into the new folder. What a call left beside it
    when it was killed goes the same way, once there is a new one.
    """
    if target.is_symlink() or target.is_mount():
        return False
    make_folder(target.parent)
    for left in _left_beside(target, "new"):
        shutil.rmtree(left, ignore_errors=True)
    staged, trial, old = (
        target.with_name(f".{target.name}.{kind}-{uuid.uuid4().hex[:8]}")
        for kind in ("new", "new", "old")
    )
    try:
        if not _is_renamed(trial, staged):  # a small folder, before a large one is copied
            return False
        _copy(folder, staged)
        if os.path.lexists(target) and not _renamed(target, old):
            return False
        if not _renamed(staged, target):
            return False
        for left in _left_beside(target, "old"):
            _bring_over(left, target, {path.name for path in folder.iterdir()})
    finally:
        if os.path.lexists(old) and not os.path.lexists(target):
            old.rename(target)
        shutil.rmtree(staged, ignore_errors=True)
    return True


def _is_renamed(trial: Path, name: Path) -> bool:
    """Whether a folder with a file in it can be given another name here; neither stays."""
    try:
        trial.mkdir()
        (trial / "file").touch()
        return _renamed(trial, name)
    finally:
        for folder in (trial, name):
            shutil.rmtree(folder, ignore_errors=True)


def _renamed(folder: Path, target: Path) -> bool:
    try:
        folder.rename(target)
    except OSError as error:
        if error.errno in FULL:
            raise
        if error.errno != errno.EBUSY:  # a mount point on the same disk
            lack = f"no renaming of a folder ({error.strerror})"
            tell_once(target.parent, lack, "model and report are replaced file by file")
        return False
    return True


def _copy(folder: Path, target: Path) -> None:
    """The files below a folder and nothing of their owners, modes and times."""
    target.mkdir()
    for path in sorted(folder.rglob("*")):
        copy = target / path.relative_to(folder)
        if path.is_dir():
            copy.mkdir()
        else:
            shutil.copyfile(path, copy)
            sync(copy)


def _bring_over(old: Path, target: Path, new: Set[str]) -> None:
    """Deletes what is ours in `old`, its manifest last, and moves the rest into `target`."""
    if old.is_symlink():
        old.unlink()
        return
    manifest = old / MANIFEST
    ours = named_files(manifest.read_bytes(), otherwise=new) if manifest.is_file() else new
    for entry in sorted(old.iterdir(), key=lambda entry: entry.name == MANIFEST):
        is_file = entry.is_symlink() or not entry.is_dir()
        if is_file and (entry.name in ours or entry.name == MANIFEST):
            entry.unlink()
        elif not os.path.lexists(target / entry.name):
            entry.rename(target / entry.name)
    if not any(old.iterdir()):
        old.rmdir()


def _left_beside(target: Path, kind: str) -> list[Path]:
    name = re.compile(rf"\.{re.escape(target.name)}\.{kind}-[0-9a-f]{{8}}")
    return [path for path in target.parent.iterdir() if name.fullmatch(path.name)]
