"""Faults of the Hugging Face hub: which may pass, and a sentence for each of the others.

For models and datasets alike. Reference: https://huggingface.co/docs/hub/security-tokens
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from huggingface_hub import constants, get_token
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

from job.errors import (
    ArgumentError,
    JobError,
    OutputError,
    PermissionDeniedError,
    UnavailableError,
)
from job.machine import networks
from job.storage import PASSING_STATUS


@dataclass(frozen=True)
class Asked:
    """A repository of the hub, as messages name it. `kind` is a model or a dataset."""

    subject: str
    kind: str
    name: str
    revision_said: str
    has_token: bool


def saved_token() -> str | None:
    """The token of `hf auth login`. Its folder may be another user's, and home may be a file."""
    with suppress(OSError):
        return get_token()
    return None


def refuse_bad_token(token: str | None) -> None:
    """Raises ArgumentError for what the HTTP client would put into its error message."""
    if token is not None and not re.fullmatch("[!-~]+", token):
        raise ArgumentError(
            "HF_TOKEN (not shown) is empty or holds a blank, a line end or a character outside "
            "ASCII; copy it anew from https://huggingface.co/settings/tokens."
        )


def hub_may_pass(error: BaseException) -> bool:
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


def hub_reason(error: Exception) -> str:
    """The reason in few words."""
    if (status := _status(error)) is not None:
        return f"HTTP status {status}"
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set"
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def explain(error: Exception, asked: Asked, cache_dir: Path) -> Exception:
    """The error to show; what is nobody's fault but ours stays as it is."""
    hub = urlsplit(constants.ENDPOINT)
    host = f"{hub.hostname}:{hub.port}" if hub.port else str(hub.hostname)
    if isinstance(error, JobError):
        return error
    if networks.is_unknown_name(error):
        return _unreachable(asked, host, "this name does not exist: no network?", cache_dir)
    if lasting := networks.lasting(f"{asked.subject} at {host}", error):
        return lasting
    if isinstance(error, HFValidationError):
        return ArgumentError(
            f"{asked.subject}: {hub_reason(error)} Write owner/name, or a directory."
        )
    if isinstance(error, RevisionNotFoundError):
        return ArgumentError(
            f"{asked.revision_said}: {asked.name} has no such commit, branch or tag on {host}; "
            "leave it out for the newest."
        )
    return _refused(error, asked, host) or _unusable(error, asked, host, cache_dir) or error


def _refused(error: Exception, asked: Asked, host: str) -> JobError | None:
    """Where the hub answered, and gives nothing to this user."""
    status = _status(error)
    if isinstance(error, GatedRepoError) or status == 403:
        return PermissionDeniedError(
            f"{asked.subject}: {host} refused access (gated, or the token lacks the right); accept "
            f"the {asked.kind}'s terms on its page and set HF_TOKEN to a token of that account "
            "that may read."
        )
    if isinstance(error, RepositoryNotFoundError):
        hint = "this HF_TOKEN may not see it"
        if not asked.has_token:
            hint = "it is private and HF_TOKEN is not set"
        return ArgumentError(
            f"{asked.subject}: {host} knows no such {asked.kind}, or {hint}; check the name for "
            "typing errors."
        )
    if status == 401:
        return PermissionDeniedError(
            f"{asked.subject}: {host} rejected the token; renew HF_TOKEN at "
            f"https://huggingface.co/settings/tokens, or unset it for a public {asked.kind}."
        )
    return None


def _unusable(error: Exception, asked: Asked, host: str, cache_dir: Path) -> JobError | None:
    """Where the cache cannot be written, or the hub did not answer."""
    if isinstance(error, OSError) and error.errno and not isinstance(error, ConnectionError):
        return OutputError(f"{cache_dir} cannot be written ({error.strerror}); set CACHE_DIR.")
    if isinstance(error, (HTTPError, OSError, XetDownloadError)):
        return _unreachable(asked, host, hub_reason(error), cache_dir)
    return None


def _unreachable(asked: Asked, host: str, reason: str, cache_dir: Path) -> JobError:
    """One sentence with what helps a machine without a network."""
    remedy = "unset it" if "HF_HUB_OFFLINE" in reason else "check the network"
    return UnavailableError(
        f"{asked.subject}: the hub at {host} is not reached ({reason}), and {cache_dir} has no "
        f"copy; {remedy}, or name a folder with the {asked.kind}'s files (HF_HUB_OFFLINE=1: use "
        "copies alone)."
    )
