"""A Google Cloud Storage on loopback, in memory, that misbehaves when told to."""

from tests.support.gcs.connection import Request
from tests.support.gcs.faults import Fault
from tests.support.gcs.server import GcsServer

__all__ = ["Fault", "GcsServer", "Request"]
