"""The memory of a step whose shape is fixed before it is compiled."""

from transformers import PreTrainedModel

from job.batches import Layout
from job.errors import ArgumentError
from job.model.row_layout import bytes_per_position, parameter_bytes

SMALL_STEP = 4096  # positions that no core lacks memory for


def refuse_large_steps(
    network: PreTrainedModel,
    layout: Layout,
    rows: int,
    *,
    batch_size: int,
    max_seq_length: int,
    free_bytes: int,
) -> None:
    """Raises ArgumentError where a step of so many rows does not fit into `free_bytes` of a core:
    before a compilation of minutes ends in a lack of memory."""
    positions = rows * layout.row_length
    if positions <= SMALL_STEP:
        return
    per_position = bytes_per_position(network, layout, max_seq_length)
    needed = parameter_bytes(network) + positions * per_position
    if needed > free_bytes:
        raise ArgumentError(
            f"BATCH_SIZE={batch_size}: a core's largest step has {rows} rows of "
            f"{layout.row_length} positions, about {needed / 1e9:.0f} GB, and a core has "
            f"{free_bytes / 1e9:.0f}; lower BATCH_SIZE."
        )
