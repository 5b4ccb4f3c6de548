"""The ranks of a run but the first: they train, and for the rest they wait.

They take the first one's choice of where to start, write nothing below DOWNSTREAM_MODEL_DIR,
and end as it does.
"""

import logging

import job
from job.checkpoints import Identity, NoSaver
from job.devices import Hardware, NoPeers, RemoteStop, choose_hardware
from job.log import LogHandler
from job.progress_line import ProgressLine
from job.settings import Settings
from job.signals import StopRequest
from job.storage import scratch
from job.training.identity import as_begun, identity_of
from job.training.loop import Run, fit
from job.training.preparation import Prepared, prepare

logger = logging.getLogger(__name__)

# Arguments by which the ranks come through the training loop alike, beside those of identity.
IN_STEP = (
    "epochs_to_train",
    "save_every_steps",
    "early_stopping_patience",
    "monitor",
    "compile",
)


def follow(settings: Settings, stop: StopRequest, handler: LogHandler, peers: NoPeers) -> None:
    """This rank's part of a run, to the end of the first one's."""
    hardware = meet_on_hardware(settings, peers)
    prepared = prepare(settings, hardware, peers.share(None))
    identity = identity_of(settings, prepared)
    peers.refuse_differences(facts_to_agree_on(settings, prepared, hardware, identity))
    start = peers.share(None)
    if start is not None:
        prepared, identity = as_begun(prepared, identity, start)
        line = ProgressLine(handler, epochs=settings.epochs_to_train)
        run = Run(start, identity.facts, NoSaver(), RemoteStop(), stop, line)
        with scratch() as folder:
            fit(prepared, settings, hardware, run, folder)
    peers.wait_for_the_end()


def meet_on_hardware(settings: Settings, peers: NoPeers) -> Hardware:
    """The device of this rank, connected with the others."""
    hardware = choose_hardware(
        settings.wanted_accelerator,
        settings.wanted_precision,
        settings.tpu_cores,
        peers,
    )
    peers.meet(hardware.backend, settings.step_timeout_s)
    return hardware


def facts_to_agree_on(
    settings: Settings, prepared: Prepared, hardware: Hardware, identity: Identity
) -> dict[str, object]:
    """The facts in which ranks must not differ, by name."""
    return {
        "version": job.__version__,
        "accelerator": hardware.accelerator,
        "precision": hardware.precision,
        **identity.facts,
        **{name: getattr(settings, name) for name in IN_STEP},
        "packed rows": prepared.layout.packed,
    }
