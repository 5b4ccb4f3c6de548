"""A secret by its name in Secret Manager, read when the job starts.

Vertex AI's custom jobs have no variables that are secrets, and a TPU VM's script would show them:
a specification holds the name, and the job reads the value as the account that it runs as.
https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access
"""

import base64

import google.auth
import requests
from google.api_core.exceptions import from_http_response
from google.auth.transport.requests import AuthorizedSession

from job import storage
from job.errors import PermissionDeniedError, StorageError, UnavailableError

ENDPOINT = "https://secretmanager.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def read_secret(argument: str, name: str, endpoint: str = ENDPOINT) -> str:
    """The value of `projects/P/secrets/S[/versions/V]`, without white space around it.

    Raises PermissionDeniedError or UnavailableError, whose text names `argument`.
    """
    version = name if "/versions/" in name else f"{name}/versions/latest"
    url = f"{endpoint}/v1/{version}:access"

    def ask() -> requests.Response:
        credentials, _ = google.auth.default(scopes=[SCOPE])
        with AuthorizedSession(credentials, refresh_status_codes=()) as session:
            response = session.get(url, timeout=storage.retry_policy().timeout_s)
        if response.status_code in (408, 429) or response.status_code >= 500:
            raise from_http_response(response)
        return response

    try:
        response = storage.persist(argument, ask)
    except StorageError as error:
        raise UnavailableError(str(error)) from error
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
