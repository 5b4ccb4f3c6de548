"""The state of a run as a file: copied, written, and read without running what is in it."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from job.errors import IncompatibleError

STATE = "state.pt"
State = Mapping[str, Any]  # plain values, tensors, and collections of them
Place = tuple[Any, ...]  # the keys that lead to a tensor in it


class StateCopy:
    """One copy of a state in this machine's memory, which the next one overwrites."""

    def __init__(self) -> None:
        self._buffers: dict[Place, torch.Tensor] = {}
        self._is_free = threading.Event()
        self._is_free.set()

    def of(self, state: State) -> State:
        """The same structure with each tensor copied, once what was copied before is written."""
        self._is_free.wait()
        copied: State = self._of(state, ())
        return copied

    def _of(self, value: Any, place: Place) -> Any:
        if isinstance(value, torch.Tensor):
            return self._tensor(value.detach(), place)
        if isinstance(value, Mapping):
            return {key: self._of(item, (*place, key)) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._of(item, (*place, i)) for i, item in enumerate(value))
        return value

    def _tensor(self, tensor: torch.Tensor, place: Place) -> torch.Tensor:
        """Into the memory of the last copy: to be given new pages takes twice as long."""
        buffer = self._buffers.get(place)
        if buffer is None or (buffer.shape, buffer.dtype) != (tensor.shape, tensor.dtype):
            self._buffers[place] = buffer = torch.empty(tensor.shape, dtype=tensor.dtype)
        return buffer.copy_(tensor)

    def hold(self) -> None:
        """Until `write` or `reserve` is done the next copy has to wait."""
        self._is_free.clear()

    def reserve(self, shapes: list[tuple[Place, torch.Tensor]]) -> None:
        """Takes the memory for copies of a state, which is the slow part of the first one.

        `shapes` is what `tensors_of` gives, on the device `meta`: training changes the state.
        """
        try:
            for place, tensor in shapes:
                self._buffers[place] = torch.zeros(tensor.shape, dtype=tensor.dtype).fill_(1)
        finally:
            self._is_free.set()

    def write(self, state: State, folder: Path) -> None:
        """Writes a state into the folder; the memory is then free for the next copy."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            torch.save(state, folder / STATE)
        finally:
            self._is_free.set()


def tensors_of(value: Any, place: Place = ()) -> Iterator[tuple[Place, torch.Tensor]]:
    """Every tensor in a state, with where it lies."""
    if isinstance(value, torch.Tensor):
        yield place, value
    elif isinstance(value, Mapping | list | tuple):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in items:
            yield from tensors_of(item, (*place, key))


def load_state(folder: Path) -> dict[str, Any]:
    """Reads the state in a fetched checkpoint. Pickled code in it is refused unexecuted."""
    try:
        state: dict[str, Any] = torch.load(folder / STATE, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle raises whatever the bytes say
        raise IncompatibleError(
            f"{folder / STATE}: not a checkpoint of this job ({type(error).__name__}); delete it, "
            "or start anew with RESUME=never."
        ) from error
    return state


def differing_shapes(saved: Mapping[str, torch.Tensor], network: torch.nn.Module) -> list[str]:
    """The reasons why saved weights cannot be loaded into the network, a phrase each."""
    wanted = network.state_dict()
    found = [f"weight {name} is missing" for name in wanted.keys() - saved.keys()]
    found += [f"weight {name} is unknown" for name in saved.keys() - wanted.keys()]
    found += [
        f"weight {name} was {tuple(saved[name].shape)} and is {tuple(wanted[name].shape)}"
        for name in wanted.keys() & saved.keys()
        if saved[name].shape != wanted[name].shape
    ]
    return sorted(found)
