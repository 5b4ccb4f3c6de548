"""The batch size that BATCH_SIZE=0 stands for: a checkpoint's, or the largest that fits."""

import logging

from transformers import PreTrainedModel

from job.batches import Layout
from job.checkpoints import CheckpointStore
from job.devices import Hardware
from job.encoding import EncodedSplit
from job.figures import counted
from job.model import largest_batch
from job.settings import Settings

logger = logging.getLogger(__name__)


def batch_size_to_keep(
    store: CheckpointStore, settings: Settings, hardware: Hardware
) -> int | None:
    """The sentences a step on each device that a run with BATCH_SIZE=0 goes on with: those of the
    checkpoint, whatever memory is free today; None where nothing says."""
    if settings.batch_size or settings.resume == "never":
        return None
    is_newest = settings.resume == "auto"
    checkpoints = store.committed() if is_newest else [store.read(settings.resume)]
    sizes = [each.settings.get("batch_size") for each in checkpoints[-1:] if each is not None]
    if not sizes or not isinstance(sizes[0], int) or sizes[0] % hardware.world_size:
        return None
    return sizes[0] // hardware.world_size or None


def fitting_batch_size(
    network: PreTrainedModel,
    layout: Layout,
    train: EncodedSplit,
    settings: Settings,
    hardware: Hardware,
    kept: int | None,
) -> int:
    """`kept`, or what this machine's memory holds; of several machines' answers the smallest."""
    if kept:
        logger.info("BATCH_SIZE=0: %s a step, as in the checkpoint.", counted(kept, "sentence"))
        return hardware.smallest(kept)
    fitting = largest_batch(
        network,
        layout,
        train,
        max_seq_length=settings.max_seq_length,
        free_bytes=hardware.free_bytes(),
    )
    fitting = hardware.smallest(fitting)
    logger.info(
        "BATCH_SIZE=0: %s a step, which fills this machine's memory.", counted(fitting, "sentence")
    )
    return fitting
