"""A secret by its name in Secret Manager, read when the job starts.

Vertex AI's custom jobs have no variables that are secrets, and a TPU VM's script would show them:
a specification holds the name, and the job reads the value as the account that it runs as.
https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access
"""

import base64
from dataclasses import replace

import google.auth
import requests
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from pydantic import SecretStr

from job.errors import PermissionDeniedError, UnavailableError
from job.machine import networks
from job.settings import Settings
from job.storage import PASSING_STATUS, GaveUpError, RetryPolicy, retry_policy, retrying

ENDPOINT = "https://secretmanager.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
ATTEMPTS = 5


def with_secrets(settings: Settings, endpoint: str = ENDPOINT) -> Settings:
    """The settings with HF_TOKEN, read from HF_TOKEN_SECRET where only that is given."""
    if settings.hf_token or not settings.hf_token_secret:
        return settings
    token = read_secret("HF_TOKEN_SECRET", settings.hf_token_secret, endpoint=endpoint)
    return settings.model_copy(update={"hf_token": SecretStr(token)})


def read_secret(
    argument: str,
    name: str,
    *,
    endpoint: str = ENDPOINT,
    credentials: Credentials | None = None,
    policy: RetryPolicy | None = None,
) -> str:
    """The value of `projects/P/secrets/S[/versions/V]`, without white space around it.

    Raises PermissionDeniedError or UnavailableError, whose text names `argument`.
    """
    version = name if "/versions/" in name else f"{name}/versions/latest"
    url = f"{endpoint}/v1/{version}:access"
    token = _token(argument, credentials)
    policy = policy or replace(retry_policy(), attempts=ATTEMPTS)

    def ask() -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = requests.get(url, headers=headers, timeout=policy.timeout_s)
        if response.status_code in PASSING_STATUS:
            raise requests.HTTPError(f"HTTP {response.status_code}", response=response)
        return response

    try:
        response = retrying(url, policy)(ask)()
    except (GaveUpError, requests.RequestException) as error:
        cause = error.cause if isinstance(error, GaveUpError) else error
        raise networks.lasting(url, cause) or UnavailableError(
            f"{argument} = {name}: no whole answer ({networks.short(cause)}); check the network "
            "and try again later."
        ) from cause
    if response.status_code in (401, 403):
        raise PermissionDeniedError(
            f"{argument} = {name}: permission denied; give the account that the job runs as the "
            "role Secret Manager Secret Accessor on it."
        )
    if response.status_code != 200:
        raise UnavailableError(
            f"{argument} = {name}: HTTP {response.status_code} {response.reason}; check that the "
            "secret exists and that its version is enabled."
        )
    return base64.b64decode(response.json()["payload"]["data"]).decode().strip()


def _token(argument: str, credentials: Credentials | None) -> str | None:
    try:
        if credentials is None:
            credentials, _ = google.auth.default(scopes=[SCOPE])
        if not credentials.valid:
            credentials.refresh(Request())
    except GoogleAuthError as error:
        raise networks.lasting(argument, error) or PermissionDeniedError(
            f"{argument}: there are no credentials of Google Cloud to read the secret with "
            f"({networks.short(error)}); run as a service account, or log in with gcloud auth "
            "application-default login."
        ) from error
    return credentials.token
