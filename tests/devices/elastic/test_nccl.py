"""NCCL is tried before training: what cannot connect the GPUs is told within two minutes."""

from collections import namedtuple

import pytest
import torch.distributed as dist

from job.devices.elastic import nccl
from job.devices.elastic.nccl import try_nccl
from job.devices.elastic.peers import ElasticPeers
from job.devices.elastic.place import Place
from job.devices.elastic.reasons import Round
from job.devices.elastic.store import client, open_store
from job.devices.elastic.watch import NEVER, Watch
from job.errors import UnavailableError
from job.signals import StopRequest

ONE, TWO = Place(devices=2), Place(1, 2, 2, "127.0.0.1", 2222)
Usage = namedtuple("Usage", "free")


@pytest.fixture
def watch():
    """A rank's, in a store of its own; it interrupts nobody."""
    place, stop = Place(), StopRequest()
    store = open_store(place)
    stop.received = 15
    watch = Watch(Round(client(place.host, place.port), 0), 0, 1, stop)
    yield watch
    watch.has_left.set()
    del store


@pytest.fixture
def roomy(monkeypatch):
    monkeypatch.setattr(nccl.shutil, "disk_usage", lambda _: Usage(1 << 30))


def fails(sentence):
    def collective():
        raise dist.DistBackendError(f"NCCL error in: x.cpp:77\n{sentence}")

    return collective


@pytest.mark.parametrize(
    ("place", "interface", "said"),
    [
        (ONE, "", "set NCCL_P2P_DISABLE=1"),
        (TWO, "", "machine 1 uses interface lo: let every TCP port"),
        (TWO, "ens7", "machine 1 uses NCCL_SOCKET_IFNAME=ens7: let every TCP port"),
    ],
)
def test_gpus_that_never_connect_are_told(watch, roomy, monkeypatch, place, interface, said):
    """The round ends with 69 and a remedy, on several machines with the interface's name."""
    monkeypatch.setattr(nccl, "TRIED_WITHIN_S", 0.1)
    monkeypatch.setattr("job.devices.elastic.watch.GRACE_S", 600)
    try_nccl(watch, place, 0, interface, lambda: watch.heard.wait(60))
    assert watch.reason is not None
    assert watch.reason.code == 69
    assert "NCCL did not connect the GPUs within 0 s" in watch.reason.sentence
    assert said in watch.reason.sentence


def test_a_failure_of_nccl_is_one_sentence(watch, roomy, monkeypatch):
    """With the last line of what NCCL says."""
    monkeypatch.setattr(nccl, "REASON_WITHIN_S", 0.1)
    with pytest.raises(
        UnavailableError, match=r"\(no route\); machine 1 uses interface lo"
    ) as told:
        try_nccl(watch, TWO, 0, "", fails("no route"))
    assert str(told.value).count("\n") == 0


def test_shared_memory_that_ran_out_is_named(watch, monkeypatch):
    """With its size and the option of docker that gives more."""
    monkeypatch.setattr(nccl.shutil, "disk_usage", lambda _: Usage(5 << 20))
    monkeypatch.setattr(nccl, "REASON_WITHIN_S", 0.1)
    broken = fails("Error while creating shared memory segment /dev/shm/nccl-x1 (size 9637888)")
    with pytest.raises(UnavailableError, match="/dev/shm has 5 MB free: use --shm-size=1g"):
        try_nccl(watch, ONE, 0, "", broken)


def test_a_rank_that_is_gone_is_no_fault_of_nccl(watch, roomy):
    """Its own reason counts, and the error stays one of the connection."""
    watch.heard.set()
    with pytest.raises(dist.DistBackendError):
        try_nccl(watch, TWO, 0, "", fails("remote process exited"))


@pytest.mark.parametrize(
    ("devices", "local_rank", "free_mb", "warns"),
    [(2, 0, 127, True), (2, 0, 128, False), (2, 1, 127, False), (1, 0, 127, False)],
)
def test_little_shared_memory_is_told_before_the_first_step(
    watch, monkeypatch, caplog, devices, local_rank, free_mb, warns
):
    """Once a machine, where its ranks share it and have less than 64 MB each."""
    monkeypatch.setattr(nccl.shutil, "disk_usage", lambda _: Usage(free_mb << 20))
    try_nccl(watch, Place(devices=devices), local_rank, "", lambda: None)
    assert (f"/dev/shm has {free_mb} MB free" in caplog.text) is warns
    assert ("--shm-size=1g" in caplog.text) is warns


def test_what_connected_is_not_watched_any_more(watch, roomy):
    """Fetching a model may take longer than the trial."""
    try_nccl(watch, ONE, 0, "", lambda: None)
    assert watch.due_at == NEVER


@pytest.mark.parametrize(("backend", "tried"), [("gloo", 0), ("cpu:gloo,cuda:nccl", 1)])
def test_only_gpus_are_tried(monkeypatch, backend, tried):
    """Ranks on CPUs have no NCCL."""
    trials = []
    place, stop = Place(devices=1), StopRequest()
    store = open_store(place)
    monkeypatch.setattr("job.devices.elastic.peers.try_nccl", lambda *args: trials.append(args))
    monkeypatch.setattr(dist, "init_process_group", lambda *_, **__: None)
    peers = ElasticPeers(place, 0, 0, 0, stop, "ens7")
    peers.meet(backend, 600)
    peers.watch.has_left.set()
    assert [args[1:] for args in trials] == [(place, 0, "ens7")] * tried
    del store
