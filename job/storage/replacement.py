"""A finished folder in the place of the one before, model/ or report/; what others put there stays.

Ours are the files that the MANIFEST.json there names. A folder that comes without one, report/, has
the same names each time.
"""

import json
import logging
import re
import unicodedata
from collections.abc import Set
from pathlib import Path

import job
from job.errors import OutputError
from job.storage import local, objects
from job.storage.manifest import FORMAT, MANIFEST, named_files
from job.storage.owned import is_staged
from job.storage.retry import persist

logger = logging.getLogger(__name__)

# Beside files that are being replaced one by one: which of them are ours.
UNFINISHED = ".unfinished.json"


def replace_dir(folder: Path, url: str) -> None:
    """Puts `folder` in the place of what lies at `url`.

    Locally one whole directory takes the place of the other. Elsewhere, and where a directory
    cannot be renamed, the old MANIFEST.json goes first and the new one comes last: a reader finds
    the old content, nothing, or the new one.
    Raises OutputError where another's file has a name that is needed.
    """
    new = local.names(folder)
    ours = refuse_others(url, new) if MANIFEST in new else new
    if objects.is_local(url):
        _remove_half_written(url, ours | new | {UNFINISHED})
    _tell_left(url, ours | new | {UNFINISHED})
    if objects.is_local(url):
        target = objects.local_path(url)
        if persist(url, lambda: local.replace_folder(folder, target)):
            objects.remove(objects.join(url, UNFINISHED), url)
            return
    if MANIFEST in new:
        _replace_files(folder, url, ours, new)
    else:
        objects.upload_dir(folder, url)


def _replace_files(folder: Path, url: str, ours: Set[str], new: Set[str]) -> None:
    unfinished = objects.join(url, UNFINISHED)
    names = dict.fromkeys(sorted((ours | new) - {UNFINISHED}))
    facts = {"format": FORMAT, "code_version": job.__version__, "files": names}
    objects.write_bytes(unfinished, json.dumps(facts).encode())
    objects.remove(objects.join(url, MANIFEST), url)
    objects.upload_dir(folder, url)
    for name in sorted(ours - new - {UNFINISHED}):
        objects.remove(objects.join(url, name), url)
    objects.remove(unfinished, url)


def _remove_half_written(url: str, names: Set[str]) -> None:
    """What a call that wrote file by file left when it was killed."""
    of_ours = re.compile("|".join(map(re.escape, names)))
    for name in objects.list_names(url):
        if is_staged(name, of_ours):
            objects.remove(objects.join(url, name), url)


def refuse_others(url: str, needed: Set[str]) -> Set[str]:
    """The names of ours at `url`. Raises OutputError where one of the `needed` is not of them."""
    there, ours = set(objects.list_names(url)), set()
    for name in {MANIFEST, UNFINISHED} & there:
        try:
            manifest = objects.read_bytes(objects.join(url, name))
        except FileNotFoundError:  # another job has just published there
            return refuse_others(url, needed)
        if named := named_files(manifest, otherwise=needed):
            ours |= named | {name}
    if others := sorted((there & needed) - ours | _by_another_spelling(url, there, needed)):
        raise OutputError(
            f"{url}: {', '.join(others)} would be overwritten, and no MANIFEST.json of this job "
            "names them; move them elsewhere and start again, or choose another "
            "DOWNSTREAM_MODEL_DIR."
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
        if folded(name) in missing and objects.exists(objects.join(url, missing[folded(name)]))
    }


def _tell_left(url: str, ours: Set[str]) -> None:
    if left := sorted(set(objects.list_names(url)) - ours):
        logger.info("%s: %s stay, for the job did not write them.", url, ", ".join(left))
