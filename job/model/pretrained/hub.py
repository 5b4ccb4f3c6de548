"""A model of the Hugging Face hub → a folder in the cache, and one clear sentence for each failure.

Only what training reads is downloaded: the configuration, the tokenizer, and one kind of weights.
Reference: https://huggingface.co/docs/huggingface_hub/guides/download
"""

import logging
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download

from job.corpus import (
    Asked,
    explain,
    hub_may_pass,
    hub_reason,
    in_writable,
    refuse_bad_token,
    saved_token,
)
from job.errors import ArgumentError, UnavailableError
from job.figures import counted
from job.storage import GaveUpError, retry_policy, retrying

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
    refuse_bad_token(token)
    return in_writable(
        cache_dir,
        lambda folder: _fetch_into(folder / "hub", name, revision, token or saved_token()),
    )


def _fetch_into(cache_dir: Path, name: str, revision: str | None, token: str | None) -> Path:
    if re.fullmatch("[0-9a-f]{40}", revision or "") and (
        folder := _cached(name, revision, cache_dir)
    ):
        return folder
    try:
        policy = replace(retry_policy(), attempts=ATTEMPTS)
        return retrying(name, policy, may_pass=hub_may_pass)(_download)(
            name, revision, token, cache_dir
        )
    except Exception as error:
        if isinstance(error, GaveUpError):
            error = error.cause
        failure = explain(error, _asked(name, revision, token), cache_dir)
        if not isinstance(failure, UnavailableError):
            raise failure from error
        if not (folder := _cached(name, revision, cache_dir)):
            raise failure from error
        logger.warning(
            f"{name}: the hub did not answer ({hub_reason(error)}); the copy of commit "
            f"{folder.name} in {cache_dir} is used."
        )
        return folder


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


def _asked(name: str, revision: str | None, token: str | None) -> Asked:
    return Asked(
        subject=f"PRETRAINED_MODEL_NAME={name}",
        kind="model",
        name=name,
        revision_said=f"PRETRAINED_MODEL_REVISION={revision}",
        has_token=bool(token),
    )
