"""A finished folder in the place of the one before, model/ or report/; what others put there stays.

Ours are the files that the MANIFEST.json there names. A folder that comes without one, report/, has
the same names each time.
"""

import json
import logging
from collections.abc import Set
from pathlib import Path

import job
from job import disk, storage
from job.errors import OutputError
from job.faults import persist
from job.manifest import FORMAT, MANIFEST, named_files

logger = logging.getLogger(__name__)

# Beside files that are being replaced in a store without folders: which of them are ours.
UNFINISHED = ".unfinished.json"


def replace_dir(folder: Path, url: str) -> None:
    """Puts `folder` in the place of what lies at `url`.

    Locally one whole directory takes the place of the other. Elsewhere the old MANIFEST.json goes
    first and the new one comes last: a reader finds the old content, nothing, or the new one.
    Raises OutputError where another's file has a name that is needed.
    """
    new = disk.names(folder)
    if storage.is_local(url):
        target = storage.local_path(url)
        ours = refuse_others(url, new) if MANIFEST in new else new
        _tell_left(url, ours | new)
        persist(url, lambda: disk.replace_folder(folder, target))
    elif MANIFEST in new:
        _replace_objects(folder, url, new)
    else:
        _tell_left(url, new)
        storage.upload_dir(folder, url)


def _replace_objects(folder: Path, url: str, new: Set[str]) -> None:
    ours = refuse_others(url, new)
    _tell_left(url, ours | new | {UNFINISHED})
    unfinished = storage.join(url, UNFINISHED)
    names = dict.fromkeys(sorted((ours | new) - {UNFINISHED}))
    facts = {"format": FORMAT, "code_version": job.__version__, "files": names}
    storage.write_bytes(unfinished, json.dumps(facts).encode())
    storage.remove(storage.join(url, MANIFEST), url)
    storage.upload_dir(folder, url)
    for name in sorted(ours - new - {UNFINISHED}):
        storage.remove(storage.join(url, name), url)
    storage.remove(unfinished, url)


def refuse_others(url: str, needed: Set[str]) -> Set[str]:
    """The names of ours at `url`. Raises OutputError where one of the `needed` is not of them."""
    there, ours = set(storage.list_names(url)), set()
    for name in {MANIFEST, UNFINISHED} & there:
        try:
            manifest = storage.read_bytes(storage.join(url, name))
        except FileNotFoundError:  # another job has just published there
            return refuse_others(url, needed)
        if named := named_files(manifest, otherwise=needed):
            ours |= named | {name}
    if others := sorted((there & needed) - ours):
        raise OutputError(
            f"{url}: {', '.join(others)} would be overwritten, and no MANIFEST.json of this job "
            "names them; move them elsewhere and start again, or choose another "
            "DOWNSTREAM_MODEL_DIR."
        )
    return ours


def _tell_left(url: str, ours: Set[str]) -> None:
    if left := sorted(set(storage.list_names(url)) - ours):
        logger.info("%s: %s stay, for the job did not write them.", url, ", ".join(left))
