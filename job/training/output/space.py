"""The room on this machine's disks that a run needs, reckoned before it trains."""

import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from job import storage
from job.checkpoints import CheckpointStore, Position
from job.errors import OutputError
from job.settings import Settings
from job.training.preparation import Prepared

logger = logging.getLogger(__name__)

MOMENTS = 2  # AdamW's, of each weight that is trained
AT_ONCE = 2  # checkpoints beside the best: the newest, and the one that is being written


@dataclass(frozen=True)
class Need:
    """Bytes that a place has to take: `least` at one time, or there is no end of the run; `most`
    where nothing goes well."""

    place: Path
    least: int
    most: int
    remedy: str


def needs_of(
    settings: Settings,
    prepared: Prepared,
    position: Position,
    store: CheckpointStore,
    scratch: Path,
) -> list[Need]:
    """The space that a run from `position` needs: in `scratch` here, and in an output on a path,
    but not in one where RESUME=never makes room first."""
    network, url = prepared.network, settings.downstream_model_dir
    weights = [*network.parameters(), *network.buffers()]
    model = sum(tensor.numel() * tensor.element_size() for tensor in weights)
    trained = (p.numel() * p.element_size() for p in network.parameters() if p.requires_grad)
    is_end = position.is_end(settings.epochs_to_train)
    checkpoint = 0 if is_end else model + MOMENTS * sum(trained)
    present = len(store.present())
    more = max(1, store.keep_best + AT_ONCE - present)
    here = "free some, or set TMPDIR to a larger disk"
    needs = [Need(scratch, max(checkpoint, model), AT_ONCE * checkpoint + model, here)]
    if storage.is_local(url) and not (settings.resume == "never" and present):
        output, there = storage.local_path(url), "free some, or choose another DOWNSTREAM_MODEL_DIR"
        needs += [
            Need(output / "checkpoints", checkpoint, more * checkpoint, there),
            Need(output / "model", model, model, there),
        ]
    return needs


def require_space(needs: Iterable[Need]) -> None:
    """Raises OutputError where a disk has less than the least, warns where it has less than all
    that is needed of it. Quotas are not seen, nor disks that do not tell their size."""
    of_disk: dict[int, list[Need]] = {}
    for need in needs:
        of_disk.setdefault(_existing(need.place).stat().st_dev, []).append(need)
    for needed in of_disk.values():
        place = needed[0].place
        disk = os.statvfs(_existing(place))
        if disk.f_blocks == 0:
            continue
        free = disk.f_bavail * disk.f_frsize
        largest = max(needed, key=lambda need: need.least)
        if free < largest.least:
            raise OutputError(
                f"{largest.place}: {_mb(free)} are free on its disk, and {_mb(largest.least)} are "
                f"needed for one checkpoint or model; {largest.remedy}."
            )
        if free < (all_of_it := sum(need.most for need in needed)):
            logger.warning(
                "%s: %s are free on its disk, and up to %s may be needed; %s.",
                *(place, _mb(free), _mb(all_of_it), needed[0].remedy),
            )


def _existing(place: Path) -> Path:
    return next(above for above in (place.absolute(), *place.absolute().parents) if above.exists())


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
