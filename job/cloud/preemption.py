"""Notices that Google Cloud is about to take this machine away: they stop a run as SIGTERM does.

Asked of the metadata server, by one request each that waits until the value changes:
`instance/preempted` (spot VMs, with GPUs or TPUs) and `instance/maintenance-event`.
https://cloud.google.com/compute/docs/metadata/querying-metadata#waitforchange
https://cloud.google.com/compute/docs/instances/spot (30 seconds are left)
"""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from job.machine import PRODUCT, Dispensable, is_at_google

logger = logging.getLogger(__name__)

DEFAULT_HOST = "metadata.google.internal"
FIRST_ANSWER_WITHIN_S = 2.0
WAIT_S = 60
ASK_AGAIN_AFTER_S = 5.0
LAST_WORDS = {"preempted": "TRUE", "maintenance-event": "TERMINATE_ON_HOST_MAINTENANCE"}


class Notices:
    """Watches one machine's notices, each in a thread, until `close`."""

    def __init__(self, host: str):
        self._url = f"http://{host}/computeMetadata/v1/instance"
        self._closed = threading.Event()

    def start(self) -> None:
        with Dispensable("The watch for notices of this machine cannot start"):
            for name in LAST_WORDS:
                threading.Thread(
                    target=self._watch, args=(name,), name=f"notices-{name}", daemon=True
                ).start()

    def close(self) -> None:
        self._closed.set()

    def _watch(self, name: str) -> None:
        with Dispensable(f"The notice {name} of this machine is not heard"):
            self._wait_for(name)

    def _wait_for(self, name: str) -> None:
        value, etag = self._ask(name, FIRST_ANSWER_WITHIN_S, {}) or ("", "0")
        if name == "maintenance-event" and value == LAST_WORDS[name]:
            # Up to an hour ahead; whoever starts a run then wants the hour.
            logger.warning("This machine will be shut down for maintenance soon (%s).", value)
            value = ""
        while not self._closed.is_set():
            if value == LAST_WORDS[name]:
                logger.warning("This machine is about to be taken away (%s = %s).", name, value)
                os.kill(os.getpid(), signal.SIGTERM)
                return
            waiting = {"wait_for_change": "true", "last_etag": etag, "timeout_sec": WAIT_S}
            answer = self._ask(name, WAIT_S + FIRST_ANSWER_WITHIN_S, waiting)
            if answer is None:  # the server restarts at times
                self._closed.wait(ASK_AGAIN_AFTER_S)
            else:
                value, etag = answer

    def _ask(self, name: str, timeout_s: float, options: dict) -> tuple[str, str] | None:
        """The value and its etag, or None where nobody answered."""
        session = requests.Session()
        session.trust_env = False  # a proxy does not know this machine
        try:
            answer = session.get(
                f"{self._url}/{name}",
                params=options,
                headers={"Metadata-Flavor": "Google"},
                timeout=timeout_s,
            )
            answer.raise_for_status()
        except requests.RequestException:
            return None
        return answer.text.strip(), answer.headers.get("ETag", "0")


@contextmanager
def stop_when_preempted(host: str | None, product: Path = PRODUCT) -> Iterator[None]:
    """Inside the block a notice sends this process SIGTERM. `host`: GCE_METADATA_HOST, or None.

    Outside Google Cloud, without a host, nothing is asked.
    """
    if not (host or is_at_google(product)):
        yield
        return
    notices = Notices(host or DEFAULT_HOST)
    notices.start()
    try:
        yield
    finally:
        notices.close()
