"""The saver of every rank but the first, whose state is the same."""

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NoReturn

from job.checkpoints.saver import Saves
from job.checkpoints.state import State


class NoSaver(Saves):
    """Saves nothing: the first rank does."""

    @property
    def is_busy(self) -> bool:
        return False

    def copy_of(self, state: State) -> State:
        return {"position": state["position"]}

    def save(self, copied: State, step: int, facts: Mapping[str, object]) -> None:
        """The first rank does."""

    def reserve(self, state: State) -> None:
        """There is nothing to copy."""

    def raise_if_failed(self) -> None:
        """The first rank does."""

    def wait(self) -> None:
        """The first rank does."""

    def finishing(self) -> nullcontext[None]:
        return nullcontext()

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """The first rank does."""

    def load_checkpoint(
        self, path: str | Path, map_location: Any | None = None, weights_only: bool | None = None
    ) -> NoReturn:
        raise AssertionError("every rank starts from the checkpoint that was read for all")

    def remove_checkpoint(self, path: str | Path) -> None:
        """The first rank does."""
