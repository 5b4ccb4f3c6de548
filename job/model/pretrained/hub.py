"""A model of the Hugging Face hub → a folder in the cache, and one clear sentence for each failure.

Only what training reads is downloaded: the configuration, the tokenizer, and one kind of weights.
Reference: https://huggingface.co/docs/huggingface_hub/guides/download
"""

import logging
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from huggingface_hub import HfApi, constants, get_token, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,  # the HTTP client's own, whichever client this huggingface_hub is built on
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    XetDownloadError,
)

from job.corpus import in_writable
from job.errors import (
    ArgumentError,
    JobError,
    OutputError,
    PermissionDeniedError,
    UnavailableError,
)
from job.figures import counted
from job.machine import networks
from job.storage import PASSING_STATUS, GaveUpError, retry_policy, retrying

logger = logging.getLogger(__name__)

SAFETENSORS = ("model.safetensors", "model-*.safetensors", "model.safetensors.index.json")
PICKLES = ("pytorch_model.bin", "pytorch_model-*.bin", "pytorch_model.bin.index.json")
TEXT_FILES = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "*.model",  # SentencePiece
)
REQUEST_TIMEOUT_S = 30.0
ATTEMPTS = 3


def wanted_files(names: Iterable[str]) -> list[str]:
    """The files of a model directory to fetch: pickled weights only without safetensors."""
    names = list(names)
    safe = _matching(names, SAFETENSORS)
    return [*_matching(names, TEXT_FILES), *(safe or _matching(names, PICKLES))]


def _matching(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """`*` stops at a slash: weights in folders (onnx/, checkpoints) are other models."""
    regex = re.compile("|".join(re.escape(p).replace(r"\*", "[^/]*") for p in patterns))
    return [name for name in names if regex.fullmatch(name)]


def fetch_snapshot(name: str, revision: str | None, token: str | None, cache_dir: Path) -> Path:
    """The local folder of the hub's model `name` at `revision` (a commit, branch or tag).

    A pinned commit that is cached needs no network. Without an answer from the hub a cached copy
    is taken, with a warning. Raises ArgumentError (name or revision unknown),
    PermissionDeniedError, UnavailableError, OutputError (cache not writable).
    """
    _refuse_bad_token(token)
    return in_writable(
        cache_dir, lambda folder: _fetch_into(folder / "hub", name, revision, token or _saved())
    )


def _saved() -> str | None:
    """The token of `hf auth login`. Its folder may be another user's, and home may be a file."""
    with suppress(OSError):
        return get_token()
    return None


def _fetch_into(cache_dir: Path, name: str, revision: str | None, token: str | None) -> Path:
    if re.fullmatch("[0-9a-f]{40}", revision or "") and (
        folder := _cached(name, revision, cache_dir)
    ):
        return folder
    try:
        policy = replace(retry_policy(), attempts=ATTEMPTS)
        return retrying(name, policy, may_pass=_may_pass)(_download)(
            name, revision, token, cache_dir
        )
    except Exception as error:
        if isinstance(error, GaveUpError):
            error = error.cause
        failure = _explain(error, name, revision, token, cache_dir)
        if not isinstance(failure, UnavailableError):
            raise failure from error
        if not (folder := _cached(name, revision, cache_dir)):
            raise failure from error
        logger.warning(
            f"{name}: the hub did not answer ({_reason(error)}); the copy of commit "
            f"{folder.name} in {cache_dir} is used."
        )
        return folder


def _refuse_bad_token(token: str | None) -> None:
    # The HTTP client would put such a token into its error message.
    if token is not None and not re.fullmatch("[!-~]+", token):
        raise ArgumentError(
            "HF_TOKEN (not shown) is empty or holds a blank, a line end or a character outside "
            "ASCII; copy it anew from https://huggingface.co/settings/tokens."
        )


def _download(name: str, revision: str | None, token: str | None, cache_dir: Path) -> Path:
    # Asked first with a time limit: snapshot_download has none and would wait for ever.
    api = HfApi(token=token or False)
    info = api.model_info(name, revision=revision, timeout=REQUEST_TIMEOUT_S)
    files = wanted_files(sibling.rfilename for sibling in info.siblings or ())
    if "config.json" not in files:
        raise ArgumentError(
            f"PRETRAINED_MODEL_NAME={name}: the hub's repository has no config.json, so it is not "
            f"a transformers model; choose another."
        )
    kept = _cached(name, info.sha, cache_dir)
    if kept and all((kept / file).exists() for file in files):  # in a folder that may be read-only
        return kept
    folder = Path(
        snapshot_download(
            name,
            revision=revision,
            token=token or False,
            cache_dir=cache_dir,
            allow_patterns=files,
        )
    )
    logger.info(f"{name}: commit {folder.name}, {counted(len(files), 'file')}, in {folder}")
    return folder


def _cached(name: str, revision: str | None, cache_dir: Path) -> Path | None:
    """The complete copy in the cache, if there is one."""
    for weights in (SAFETENSORS, PICKLES):
        try:
            found = snapshot_download(
                name,
                revision=revision,
                cache_dir=cache_dir,
                allow_patterns=[*TEXT_FILES, *weights],
                ignore_patterns="*/*",
                token=False,
                local_files_only=True,
            )
        except OSError:  # none there, or not to be seen by this user
            continue
        names = [file.name for file in Path(found).iterdir()]
        if "config.json" in names and _matching(names, weights):
            return Path(found)
    return None


def _may_pass(error: BaseException) -> bool:
    """Also what only this client raises, after it has resumed a broken download by itself."""
    if networks.is_lasting(error) or isinstance(error, OfflineModeIsEnabled):
        return False
    if (status := _status(error)) is not None:
        return status in PASSING_STATUS
    if isinstance(error, OSError):  # "Consistency check failed": the stream ended early
        return error.errno is None
    return isinstance(error, (HTTPError, XetDownloadError))


def _status(error: BaseException | None) -> int | None:
    """The HTTP status behind an error; the hub's client hides some in the cause."""
    while error is not None:
        if isinstance(error, HfHubHTTPError):
            return error.response.status_code
        error = error.__cause__
    return None


def _reason(error: Exception) -> str:
    if (status := _status(error)) is not None:
        return f"HTTP status {status}"
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set"
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _explain(
    error: Exception, name: str, revision: str | None, token: str | None, cache_dir: Path
) -> Exception:
    """The error to show; what is nobody's fault but ours stays as it is."""
    subject = f"PRETRAINED_MODEL_NAME={name}"
    hub = urlsplit(constants.ENDPOINT)
    host = f"{hub.hostname}:{hub.port}" if hub.port else str(hub.hostname)
    if isinstance(error, JobError):
        return error
    if lasting := networks.lasting(f"{subject} at {host}", error):
        return lasting
    if isinstance(error, HFValidationError):
        return ArgumentError(f"{subject}: {_reason(error)} Write owner/name, or a directory.")
    if isinstance(error, RevisionNotFoundError):
        return ArgumentError(
            f"PRETRAINED_MODEL_REVISION={revision}: {name} has no such commit, branch or tag on "
            f"{host}; leave it out for the newest."
        )
    return (
        _refused(error, subject, host, has_token=bool(token))
        or _unusable(error, subject, host, cache_dir)
        or error
    )


def _refused(error: Exception, subject: str, host: str, *, has_token: bool) -> JobError | None:
    """Where the hub answered, and gives nothing to this user."""
    status = _status(error)
    if isinstance(error, GatedRepoError) or status == 403:
        return PermissionDeniedError(
            f"{subject}: {host} refused access (gated, or the token lacks the right); accept the "
            f"model's terms on its page and set HF_TOKEN to a token of that account that may read."
        )
    if isinstance(error, RepositoryNotFoundError):
        hint = "this HF_TOKEN may not see it"
        if not has_token:
            hint = "it is private and HF_TOKEN is not set"
        return ArgumentError(
            f"{subject}: {host} knows no such model, or {hint}; check the name for typing errors."
        )
    if status == 401:
        return PermissionDeniedError(
            f"{subject}: {host} rejected the token; renew HF_TOKEN at "
            f"https://huggingface.co/settings/tokens, or unset it for a public model."
        )
    return None


def _unusable(error: Exception, subject: str, host: str, cache_dir: Path) -> JobError | None:
    """Where the cache cannot be written, or the hub did not answer."""
    if isinstance(error, OSError) and error.errno and not isinstance(error, ConnectionError):
        return OutputError(f"{cache_dir}: cannot be written ({error.strerror}); set CACHE_DIR.")
    if isinstance(error, (HTTPError, OSError, XetDownloadError)):
        remedy = "unset it" if "HF_HUB_OFFLINE" in _reason(error) else "check the network"
        return UnavailableError(
            f"{subject}: the hub at {host} cannot be used ({_reason(error)}) and {cache_dir} holds "
            f"no copy; {remedy}, or name a local directory."
        )
    return None
