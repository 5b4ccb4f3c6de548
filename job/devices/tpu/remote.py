"""The signals, the lease and the progress line of a run, as a rank has them: by the coordinator."""

import time
from contextlib import nullcontext

from job.devices.tpu.coordinator import CoordinatorClient

ASK_EVERY_S = 0.2


class RemoteStop:
    """A stop source and a lease by what the coordinator last said.

    Only the first rank has a client and asks; the ranks then agree (`job.checkpoints.callback`).
    """

    def __init__(self, client: CoordinatorClient | None = None):
        self._client, self._asked_at = client, -ASK_EVERY_S
        self._received: int | None = None

    @property
    def received(self) -> int | None:
        self.check()
        return self._received

    def check(self) -> None:
        """Raises what the lease raises when it is lost."""
        now = time.monotonic()
        if self._client is not None and now - self._asked_at >= ASK_EVERY_S:
            self._asked_at = now
            self._received = self._client.ask("stop_signal")

    def install(self) -> None:
        """Signals go to the coordinator."""

    def deferred(self) -> nullcontext[None]:
        return nullcontext()


class RemoteProgressLine:
    """The progress line, which the coordinator draws. Only the first rank has a client."""

    def __init__(self, client: CoordinatorClient | None = None):
        self._client = client

    def update(self, **values: object) -> None:
        if self._client is not None:
            self._client.ask("show", values)

    def close(self) -> None:
        """The process of the coordinator ends it."""
