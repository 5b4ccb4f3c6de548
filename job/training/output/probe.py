"""Every operation that a run needs of its output, tried there before the run: nothing stays behind.

Folders in it may be mount points, links or another user's: they are tried where they are.
"""

import errno
import json
import os
import tempfile
import uuid
from contextlib import suppress
from pathlib import Path

from job import storage
from job.errors import JobError, OutputError, StorageError
from job.storage import MANIFEST, describe_files, named

FOLDERS = ("checkpoints", "model", "report")
# The deepest name of a run, with the character that not every file system takes; a bucket does.
ON_DISK, ELSEWHERE = ("step=00000000", "state-00000000.pt"), ("written",)
ONE, TWO = b"written by the pre-flight check", b"written over that"
NO_SUCH_NAMES = {errno.EINVAL, errno.EILSEQ, errno.ENAMETOOLONG}


def probe_output(url: str) -> None:
    """Raises OutputError, PermissionDeniedError or StorageError where an operation fails."""
    if not storage.is_local(url):
        _probe(url)
        return
    output = storage.local_path(url)
    inside = [output / name for name in FOLDERS]
    for folder in (*reversed(output.parents), output, *inside):
        _refuse_others(folder)
    _probe(url)
    for folder in inside:
        if folder.exists():
            _probe(str(folder))


def _refuse_others(folder: Path) -> None:
    """Raises OutputError where the name of a folder is taken by something else."""
    with named(str(folder)):
        is_taken = os.path.lexists(folder) and not folder.is_dir()
    if is_taken:
        kind = "link to nothing" if folder.is_symlink() else "file"
        raise OutputError(
            f"{folder} is a {kind}, and the job needs a folder of that name; move it elsewhere, "
            "or choose another DOWNSTREAM_MODEL_DIR."
        )


def _probe(url: str) -> None:
    folder = storage.join(url, f".probe-{uuid.uuid4().hex[:8]}")
    names = ON_DISK if storage.is_local(url) else ELSEWHERE
    place = storage.join(folder, *names)
    try:
        _create(url, place)
        storage.swap(place, ONE, TWO)
        storage.write_bytes(place, ONE)
        storage.modified_at(place)
        is_listed = storage.list_names(storage.join(folder, *names[:-1])) == [names[-1]]
        if storage.read_bytes(place) != ONE or not is_listed:
            raise StorageError(f"{place}: what was read differs from what was written.")
        if storage.is_local(url):
            _replace(storage.join(folder, "model"))
        storage.remove(folder, url)
    except BaseException as error:  # also where the run is told to stop
        with suppress(JobError):  # what failed first is told
            storage.remove(folder, url)
        if isinstance(error, FileNotFoundError | FileExistsError):
            raise StorageError(f"{place}: what was written is not there ({error}).") from error
        raise


def _create(url: str, place: str) -> None:
    try:
        storage.create(place, ONE)
    except OutputError as error:
        cause = error.__cause__
        if not isinstance(cause, OSError) or cause.errno not in NO_SUCH_NAMES:
            raise
        raise OutputError(
            f"{url}: no folder and file named {'/'.join(ON_DISK)} can be made there "
            f"({cause.strerror}); choose a DOWNSTREAM_MODEL_DIR with a shorter or plainer name, or "
            "on another file system."
        ) from error
    try:
        storage.create(place, TWO)
    except FileExistsError:
        return
    raise StorageError(
        f"{place}: the store let it be created twice, so two jobs cannot be kept apart there; "
        "choose another DOWNSTREAM_MODEL_DIR."
    )


def _replace(url: str) -> None:
    """Tries to replace a folder, as a new model replaces the old one."""
    with tempfile.TemporaryDirectory(prefix="job-") as name:
        folder = Path(name)
        (folder / "config.json").write_bytes(ONE)
        (folder / MANIFEST).write_text(json.dumps(describe_files(folder)))
        storage.replace_dir(folder, url)
        storage.replace_dir(folder, url)
