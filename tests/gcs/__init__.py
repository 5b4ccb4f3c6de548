"""A Google Cloud Storage on loopback, in memory, that misbehaves when told to."""

from tests.gcs.connection import Request
from tests.gcs.faults import Fault
from tests.gcs.server import GcsServer

__all__ = ["Fault", "GcsServer", "Request"]
