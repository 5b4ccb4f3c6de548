"""Gradients of several ranks are averaged, in half as many bytes where the precision is bf16."""

import json
import subprocess
import sys

import pytest
import torch

from job.devices.cpu import Cpu
from job.devices.gpu import Gpu
from job.devices.peers import NoPeers

# A rank: the gradients of one step, by the strategy that training takes, and their plain mean.
RANK = """
import json, sys
import torch, torch.distributed as dist
from job.devices.data_parallel import RankStrategy
from job.devices.peers import ALONE
rank = int(sys.argv[1])
dist.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=rank, world_size=2)
said = {}
for name, in_bf16 in (("float32", False), ("bf16", True)):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(50, 40), torch.nn.Linear(40, 3))
    strategy = RankStrategy(ALONE, in_bf16=in_bf16)
    strategy.parallel_devices = [torch.device("cpu")]
    parallel = strategy._setup_model(model)
    torch.manual_seed(1 + rank)
    parallel(torch.randn(8, 50)).square().sum().backward()
    said[name] = torch.cat([each.grad.flatten() for each in model.parameters()]).tolist()
print(json.dumps(said))
"""


class Two(NoPeers):
    """One of two ranks."""

    count, devices = 2, 2


@pytest.fixture(scope="module")
def gradients(tmp_path_factory):
    """Of both ranks, by name of the type they were sent in."""
    file = tmp_path_factory.mktemp("group") / "store"
    ranks = [
        subprocess.Popen([sys.executable, "-c", RANK, str(rank), file], stdout=subprocess.PIPE)
        for rank in range(2)
    ]
    said = [json.loads(rank.communicate(timeout=120)[0]) for rank in ranks]
    return [{name: torch.tensor(each) for name, each in one.items()} for one in said]


def test_the_mean_in_bf16_is_the_mean_within_its_tolerance(gradients):
    """2⁻⁸ of rounding for each of the two parts and their sum."""
    plain, sent = gradients[0]["float32"], gradients[0]["bf16"]
    largest = plain.abs().max()
    torch.testing.assert_close(sent, plain, rtol=3 * 2**-8, atol=float(largest) * 2**-8)
    assert not torch.equal(sent, plain)
    assert torch.equal(sent, sent.to(torch.bfloat16).float())


def test_all_ranks_have_the_same_gradients(gradients):
    """Else their weights would drift apart."""
    for name in ("float32", "bf16"):
        assert torch.equal(gradients[0][name], gradients[1][name])


@pytest.mark.parametrize(
    ("kind", "precision", "in_bf16"),
    [(Gpu, "bf16", True), (Gpu, "32", False), (Gpu, "16", False), (Cpu, "bf16", False)],
)
def test_gradients_are_sent_in_bf16_where_that_is_the_precision(
    monkeypatch, kind, precision, in_bf16
):
    """On GPUs: gloo adds bf16 up more slowly than it sends it."""
    hardware = kind(precision, "", peers=Two())
    assert hardware.trainer_arguments()["strategy"]._in_bf16 is in_bf16


def test_a_single_device_averages_nothing():
    """Lightning's own strategy for it is as fast as before."""
    assert "strategy" not in Gpu("bf16", "").trainer_arguments()
