"""A Google Cloud Storage on loopback, in memory, that misbehaves when told to."""

from tests.gcs.faults import Fault
from tests.gcs.server import GcsServer, Request

__all__ = ["Fault", "GcsServer", "Request"]
