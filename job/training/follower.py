"""The machines of a cluster but the first: they train, and for the rest they wait.

They take the first machine's choice of where to start, write nothing below DOWNSTREAM_MODEL_DIR,
and end as it does.
"""

import logging
from dataclasses import replace

import job
from job.checkpoints import Identity, NoSaver
from job.devices import Hardware, OneMachine, RemoteStop, choose_hardware
from job.log import LogHandler
from job.progress_line import ProgressLine
from job.settings import Settings
from job.signals import StopRequest
from job.storage import scratch
from job.training.identity import as_begun, identity_of
from job.training.loop import Run, fit
from job.training.preparation import Prepared, prepare

logger = logging.getLogger(__name__)

# Arguments by which the machines come through the training loop alike, beside those of identity.
IN_STEP = (
    "epochs_to_train",
    "save_every_steps",
    "early_stopping_patience",
    "monitor",
    "compile",
)


def follow(settings: Settings, stop: StopRequest, handler: LogHandler, machines: OneMachine) -> str:
    """This machine's part of a run, to the end of the first machine's; a line to close with."""
    hardware = meet_on_hardware(settings, machines)
    prepared = prepare(settings, hardware, machines.share(None))
    identity = identity_of(settings, prepared)
    machines.refuse_differences(facts_to_agree_on(settings, prepared, hardware, identity))
    start = machines.share(None)
    if start is not None:
        prepared, identity = as_begun(prepared, identity, start)
        line = ProgressLine(handler, epochs=settings.epochs_to_train)
        run = Run(start, identity.facts, NoSaver(), RemoteStop(), stop, line)
        with scratch() as folder:
            fit(prepared, settings, hardware, run, folder)
    machines.wait_for_the_end()
    return f"Machine {machines.rank} is done; the first one tells of the model."


def meet_on_hardware(settings: Settings, machines: OneMachine) -> Hardware:
    """The devices of this machine, connected with the others."""
    hardware = choose_hardware(
        settings.wanted_accelerator,
        settings.wanted_precision,
        settings.tpu_cores,
        machines.count,
    )
    machines.meet(hardware.backend)
    if machines.count == 1:
        return hardware
    return replace(hardware, on_failure=machines.note_failure, wait_for_all=machines.wait_for_all)


def facts_to_agree_on(
    settings: Settings, prepared: Prepared, hardware: Hardware, identity: Identity
) -> dict[str, object]:
    """The facts in which machines must not differ, by name."""
    return {
        "version": job.__version__,
        "accelerator": hardware.accelerator,
        "precision": hardware.precision,
        **identity.facts,
        **{name: getattr(settings, name) for name in IN_STEP},
        "packed rows": prepared.layout.packed,
    }
