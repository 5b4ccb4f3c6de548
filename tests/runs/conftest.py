"""A world for the runs of a module, and the model of a run in it that nothing has disturbed."""

import pytest

from job.storage.manifest import sha256_of
from tests.support.machines import OPTIONS, Machines
from tests.support.runs import World


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def untouched(world) -> str:
    """The digest of the model of a run that nothing has disturbed, on two ranks of one machine."""
    codes, logs = Machines(world, "untouched", devices=2, **OPTIONS).wait()
    assert codes == [0], logs
    return sha256_of(world.folder / "untouched/model/model.safetensors")
