"""A dataset of the Hugging Face hub → its files in the cache: those of one configuration.

`hf://datasets/OWNER/NAME[@REVISION][/CONFIGURATION]`, or with the path of a folder or a file in the
place of the configuration. The table on top of README.md says which files a configuration has;
where a repository holds none, but a script, the hub's conversion to Parquet has them.
References: https://huggingface.co/docs/hub/datasets-data-files-configuration and
https://huggingface.co/docs/dataset-viewer/parquet
"""

import glob
import json
import logging
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import RevisionNotFoundError

from job.corpus.download.cache import cache_path, in_writable, kept, refuse_large
from job.corpus.download.hub_faults import (
    Asked,
    explain,
    hub_may_pass,
    hub_reason,
    refuse_bad_token,
    saved_token,
)
from job.corpus.download.hub_layout import Chosen, choose_converted, choose_files
from job.errors import ArgumentError, DataError, UnavailableError
from job.figures import counted
from job.storage import GaveUpError, retry_policy, retrying

logger = logging.getLogger(__name__)

DATASET = re.compile(
    r"hf://datasets/(?P<name>[^/@]+/[^/@]+)"
    r"(@(?P<revision>refs/convert/[^/]+|refs/pr/\d+|[^/]+))?(/(?P<inside>.*))?"
)
COMMIT = re.compile("[0-9a-f]{40}")
CONVERSION = "refs/convert/parquet"
CONVERSION_NAMES = ("~parquet", CONVERSION, CONVERSION.replace("/", "%2F"))
README = "README.md"
# What says how integers are called.
COMPANIONS = (README, "label_names.txt", "dataset_info.json", "dataset_infos.json")
REQUEST_TIMEOUT_S = 30.0
ATTEMPTS = 3


@dataclass(frozen=True)
class HubFiles:
    """The files of a dataset: path by which the split is told → path in `folder`, which is the
    repository `name` at one commit."""

    name: str
    folder: str
    files: dict[str, str]

    def is_whole(self) -> bool:
        """Whether all are on this machine."""
        return all(Path(self.folder, path).exists() for path in self.files.values())

    @property
    def commit(self) -> str:
        """The commit that they are of."""
        return Path(self.folder).name


@dataclass(frozen=True)
class _Place:
    name: str
    revision: str | None
    inside: str


@dataclass(frozen=True)
class _Hub:
    """A dataset's repository, by this module's client."""

    name: str
    token: str | None
    cache: Path
    force: bool

    def listed(self, revision: str | None) -> tuple[str, dict[str, int]]:
        """The commit, and the size of each of its files."""
        # Asked first with a time limit: snapshot_download has none and would wait for ever.
        info = HfApi(token=self.token or False).dataset_info(
            self.name, revision=revision, timeout=REQUEST_TIMEOUT_S, files_metadata=True
        )
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
        return str(info.sha), sizes

    def fetched(self, commit: str, paths: Iterable[str]) -> Path:
        """The folder with these files of the commit."""
        folder = snapshot_download(
            self.name,
            repo_type="dataset",
            revision=commit,
            token=self.token or False,
            cache_dir=self.cache,
            allow_patterns=list(map(glob.escape, paths)),
            force_download=self.force,
        )
        return Path(folder)


def is_hub_dataset(url: str) -> bool:
    """Whether it is a dataset on the hub."""
    return url.startswith("hf://datasets/")


def fetch_dataset(
    url: str, cache: Path, token: str | None, max_bytes: int, *, force: bool = False
) -> HubFiles:
    """The files of the dataset at `url`, in the folder `cache`.

    A pinned commit that is cached needs no network. Without an answer from the hub a cached copy is
    taken, with a warning. Raises ArgumentError (name, revision or configuration), DataError (too
    large, no data), PermissionDeniedError or UnavailableError.
    """
    place = _place(url)
    refuse_bad_token(token)
    token = token or saved_token()

    def fetch(folder: Path) -> HubFiles:
        return _fetch_into(
            folder, url, place, _Hub(place.name, token, folder / "hub", force), max_bytes
        )

    return in_writable(cache, fetch)


def _place(url: str) -> _Place:
    if not (found := DATASET.fullmatch(url)):
        raise ArgumentError(
            f"{url} is no dataset of the hub; write hf://datasets/OWNER/NAME, and /CONFIGURATION "
            "after it where it has several."
        )
    revision = found["revision"]
    if revision in CONVERSION_NAMES:
        revision = CONVERSION
    return _Place(found["name"], revision, (found["inside"] or "").strip("/"))


def _fetch_into(cache: Path, url: str, place: _Place, hub: _Hub, max_bytes: int) -> HubFiles:
    note = cache_path(cache, url, "hub").with_name("files.json")
    earlier = _kept(note)
    if earlier and not hub.force and COMMIT.fullmatch(place.revision or ""):
        return earlier
    try:
        policy = replace(retry_policy(), attempts=ATTEMPTS)
        fetch = retrying(url, policy, may_pass=hub_may_pass)(_download)
        found = fetch(hub, url, place, max_bytes)
    except Exception as error:
        if isinstance(error, GaveUpError):
            error = error.cause
        asked = Asked(url, "dataset", place.name, url, bool(hub.token))
        failure = explain(error, asked, cache)
        if not isinstance(failure, UnavailableError) or earlier is None:
            raise failure from error
        logger.warning(
            "%s: the hub did not answer (%s); the copy of commit %s is used.",
            *(url, hub_reason(error), earlier.commit),
        )
        return earlier
    _keep(note, found)
    return found


def _kept(note: Path) -> HubFiles | None:
    """What an earlier run has fetched to its end."""
    try:
        found = HubFiles(**json.loads(note.read_bytes()))
        return found if found.is_whole() else None
    except (OSError, ValueError, TypeError):
        return None


def _keep(note: Path, found: HubFiles) -> None:
    with kept(note) as stream:
        stream.write(json.dumps(asdict(found), ensure_ascii=False).encode())


def _download(hub: _Hub, url: str, place: _Place, max_bytes: int) -> HubFiles:
    commit, sizes = hub.listed(place.revision)
    companions = [path for path in sizes if path.rpartition("/")[2] in COMPANIONS]
    beside = hub.fetched(commit, companions) if companions else None
    readme = (beside / README).read_bytes() if beside and README in sizes else b""
    if place.revision == CONVERSION:
        chosen = choose_converted(url, place.inside, list(sizes))
    elif found := choose_files(url, place.inside, list(sizes), readme):
        chosen = found
    else:
        commit, sizes, chosen = _converted(hub, url, place)
    paths = list(chosen.files.values())
    refuse_large(sum(sizes[path] for path in paths), max_bytes, url)
    folder = hub.fetched(commit, paths)
    logger.info("%s: commit %s, %s, %s.", url, commit, counted(len(paths), "file"), chosen.how)
    return HubFiles(place.name, str(folder), chosen.files)


def _converted(hub: _Hub, url: str, place: _Place) -> tuple[str, dict[str, int], Chosen]:
    """What the hub has made of the newest commit. Raises DataError where it has made nothing."""
    no_data = f"{url}: its repository holds no sentences, or a script that makes them, and the hub "
    no_data += "has not converted it"
    if place.revision:
        raise DataError(
            f"{no_data} at @{place.revision}; leave the revision out for the conversion to Parquet "
            "of the newest."
        )
    try:
        commit, sizes = hub.listed(CONVERSION)
    except RevisionNotFoundError as error:
        raise DataError(
            f"{no_data} to Parquet; download the corpus itself and name its folder."
        ) from error
    return commit, sizes, choose_converted(url, place.inside, list(sizes))
