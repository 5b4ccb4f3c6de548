"""A secret by its name in Secret Manager, read when the job starts.

Vertex AI's custom jobs have no variables that are secrets, and a TPU VM's script would show them:
a specification holds the name, and the job reads the value as the account that it runs as.
https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access
"""

import base64

import google.auth
import requests
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from pydantic import SecretStr

from job.corpus import PATIENCE, TRANSIENT, Patience, TransientError, open_session, persist
from job.errors import PermissionDeniedError, UnavailableError
from job.machine import networks
from job.settings import Settings

ENDPOINT = "https://secretmanager.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


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
    patience: Patience = PATIENCE,
) -> str:
    """The value of `projects/P/secrets/S[/versions/V]`, without white space around it.

    Raises PermissionDeniedError or UnavailableError, whose text names `argument`.
    """
    version = name if "/versions/" in name else f"{name}/versions/latest"
    url = f"{endpoint}/v1/{version}:access"
    token = _token(argument, credentials)
    session = open_session()

    def ask() -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        timeout = (patience.connect_s, patience.read_s)
        response = session.get(url, headers=headers, timeout=timeout)
        if response.status_code in TRANSIENT:
            raise TransientError(f"HTTP {response.status_code}")
        return response

    response = persist(ask, patience, url)
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
