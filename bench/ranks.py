"""The network's share of a step on several ranks, for each size of bucket, in turns.

    python -m bench.ranks VOCABULARY_FOLDER [--ranks 2] [--layers 12] [--rounds 4] [--steps 2]

The ranks are processes of this machine over gloo, the model has the shape of KcBERT and 1,024
random wordpieces a step on each rank. A round takes the same steps with every size of bucket,
averaged in 32 bits and in bf16, and without averaging. Prints the median of each, in ratio to that
without.
"""

import argparse
import itertools
import os
import statistics
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn.parallel import DistributedDataParallel
from transformers import BertConfig, BertForTokenClassification

from job.devices.data_parallel import mean_in_bf16
from job.devices.present import cores_here

BUCKETS_MB = (25, 64, 128, 512)
ROWS, LENGTH = 8, 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=2)
    given = parser.parse_args()
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    mp.spawn(measure, (given, store.port), nprocs=given.ranks)


def measure(rank: int, given: argparse.Namespace, port: int) -> None:
    """One rank; the first prints."""
    torch.set_num_threads(max(1, cores_here() // given.ranks))
    store = dist.TCPStore("127.0.0.1", port, wait_for_workers=False)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=given.ranks)
    torch.manual_seed(7)
    config = BertConfig.from_pretrained(given.vocabulary, num_labels=25)
    config.num_hidden_layers = given.layers
    network = BertForTokenClassification(config)
    ids = torch.randint(5, config.vocab_size, (ROWS, LENGTH))

    taken: dict[tuple[str, str], list[float]] = {}
    for number in range(given.rounds + 1):
        for way in [("none", ""), *itertools.product(map(str, BUCKETS_MB), ("32", "bf16"))]:
            seconds = timed(averaging(network, *way), ids, given.steps)
            if number:  # the first round warms up
                taken.setdefault(way, []).append(seconds)
    if rank == 0:
        tell(taken)
    dist.destroy_process_group()


def averaging(network: torch.nn.Module, size: str, bits: str) -> torch.nn.Module:
    """The network, its gradients averaged in buckets of so many MB, or not at all."""
    if not bits:
        return network
    model = DistributedDataParallel(network, bucket_cap_mb=int(size), find_unused_parameters=True)
    if bits == "bf16":
        model.register_comm_hook(None, mean_in_bf16)
    return model


def timed(model: torch.nn.Module, ids: torch.Tensor, steps: int) -> float:
    """Seconds of a forward and a backward pass."""
    dist.barrier()
    started_at = time.monotonic()
    for _ in range(steps):
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(input_ids=ids).logits.float().square().mean()
        loss.backward()
    return (time.monotonic() - started_at) / steps


def tell(taken: dict[tuple[str, str], list[float]]) -> None:
    alone = statistics.median(taken.pop(("none", "")))
    print(f"forward and backward without averaging: {1000 * alone:.0f} ms")
    for (size, bits), seconds in taken.items():
        ratio = statistics.median(seconds) / alone
        print(f"buckets of {size} MB in {bits}: {ratio:.2f}, network {1 - 1 / ratio:.0%}")


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    main()
