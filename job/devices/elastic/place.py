"""The place of a machine among those of a run, and of a rank among those of its machine."""

import signal
from dataclasses import dataclass

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # they ask a process to end


@dataclass
class Place:
    """A machine: its number, how many there are, the devices of each, and where machine 0 listens,
    which reaches itself over loopback. Port 0: any that is free."""

    machine: int = 0
    machines: int = 1
    devices: int = 1
    host: str = "127.0.0.1"
    port: int = 0

    @property
    def ranks(self) -> int:
        """The ranks of the run, one on each device of each machine."""
        return self.machines * self.devices
