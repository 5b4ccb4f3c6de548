"""`python -m job` on virtual TPU cores: real torch_xla on devices that are threads of the CPU.

    CPU_NUM_DEVICES=8 PJRT_DEVICE=CPU … python -m tests.tpu.virtual [words for the job]

Three things are not as on a TPU: the number of cores is said to be CPU_NUM_DEVICES, PJRT_DEVICE may
be CPU, and graphs with collectives are started one after another once their inputs are there, since
the CPU's client pairs collectives by the identity of a compiled module and otherwise deadlocks. A
process that is started by `spawn` imports the main module, and so gets the same.
"""

import logging
import os
import sys
import threading

import torch
import torch_xla
import torch_xla.core.xla_model as xm
import torch_xla.runtime as xr
from torch_xla._internal import tpu

import job.devices.tpu.runtime

logging.getLogger().handlers.clear()  # torch_xla, imported first, has put one there

XLAC = torch_xla._XLAC
READERS = ("cpu", "item", "tolist", "numpy", "__bool__", "__int__", "__float__", "to")
_one_at_a_time = threading.RLock()
_alive: dict[str, torch.Tensor] = {}  # a synchronisation of no tensor would wait for device 0


def install(cores: int) -> None:
    """Puts all of it in place; of several cores each, of one core only what is said of it."""
    tpu.num_available_chips = tpu.num_available_devices = lambda: cores
    job.devices.tpu.runtime.RUNTIME = "CPU"
    if cores == 1:
        return
    sync, step = XLAC._xla_sync_multi, XLAC._xla_step_marker
    to = torch.Tensor.to

    def wait() -> None:
        """For this thread's own device, without holding the lock or the interpreter."""
        device = XLAC._xla_get_default_device()
        if device not in _alive:
            _alive[device] = to(torch.zeros(1), device)
        XLAC._xla_wait_device_ops(devices=XLAC._xla_real_devices([device]))

    def sync_one(tensors, devices=(), wait_for_it=False, sync_xla_data=True):
        wait()
        with _one_at_a_time:
            sync(tensors, list(devices), False, sync_xla_data)
        wait()

    def step_one(device="", devices=(), wait_for_it=False, reset_scope=True, **_):
        wait()
        with _one_at_a_time:
            step(device, list(devices), wait=False, reset_scope=reset_scope)
        wait()

    def all_gather(value, dim=0, groups=None, pin_layout=True):
        """The stock one pads by rank, which makes a graph for each rank."""
        dim %= max(value.dim(), 1)
        return XLAC._xla_all_gather(value, dim, xr.world_size(), groups or [], False, None, None)

    XLAC._xla_sync_multi, XLAC._xla_step_marker = sync_one, step_one
    xm._all_gather_using_all_reduce = all_gather
    for name in READERS:
        _synchronise_first(name, sync_one)


def _synchronise_first(name: str, sync) -> None:
    """Reading a pending tensor computes it: in turn, like the rest."""
    original = getattr(torch.Tensor, name)

    def read(self, *arguments, **named):
        to_host = name != "to" or "cpu" in map(str, (*arguments, *named.values()))
        if self.device.type == "xla" and to_host:
            sync([self])
        return original(self, *arguments, **named)

    setattr(torch.Tensor, name, read)


install(int(os.environ.get("CPU_NUM_DEVICES", "1")))

if __name__ == "__main__":
    from job.__main__ import main

    sys.exit(main(sys.argv[1:]))
