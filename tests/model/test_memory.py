"""A step that does not fit into a core's memory is refused before it is compiled."""

import pytest

from job.batches.rows import Layout
from job.encoding.encoded import SpecialTokens
from job.errors import ArgumentError
from job.model.memory import refuse_large_steps
from tests.support.tiny import make_network


def test_a_step_that_no_core_holds_is_refused_before_it_compiles():
    """Counted from what one row keeps, without trying."""
    network, layout = make_network(layers=1), Layout(SpecialTokens((2,), (3,), 0), row_length=32)
    step = {"batch_size": 4, "max_seq_length": 32}
    refuse_large_steps(network, layout, 200, **step, free_bytes=16 << 30)
    with pytest.raises(ArgumentError, match="BATCH_SIZE=4: a core's largest step has 200 rows"):
        refuse_large_steps(network, layout, 200, **step, free_bytes=1_000_000)
