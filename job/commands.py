"""The commands: which arguments each takes, and what it does with them.

Heavy imports wait until the arguments are known to be good: a mistake is told in a second.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import SecretStr

from job import completion, spec
from job.cloud import read_vertex, require_one_machine
from job.command_help import about_check, about_convert, about_evaluate, about_predict
from job.devices import count_devices
from job.launch import TARGETS, LaunchSettings
from job.machine import streams
from job.settings import (
    About,
    ConvertSettings,
    EvaluateSettings,
    Parsed,
    PredictSettings,
    Settings,
    help_of_command,
    help_text,
)
from job.signals import StopRequest

if TYPE_CHECKING:
    from job.log import LogHandler


def with_secrets(parsed: Parsed) -> Parsed:
    """The same with HF_TOKEN, read from what HF_TOKEN_SECRET names."""
    from job.cloud import read_secret

    name = parsed.settings.hf_token_secret
    assert name, "there is a secret to be read"
    token = SecretStr(read_secret("HF_TOKEN_SECRET", name))
    return replace(parsed, settings=parsed.settings.model_copy(update={"hf_token": token}))


def train_command(parsed: Parsed, stop: StopRequest, handler: "LogHandler") -> int:
    """Trains, evaluates and exports."""
    from job.cloud import stop_when_preempted

    vertex, settings = read_vertex(os.environ), parsed.settings
    if settings.wanted_accelerator == "tpu":
        require_one_machine(vertex, "a TPU")
    devices, kind = count_devices(settings.wanted_accelerator, settings.devices)
    stop.raise_from_here()
    if devices * vertex.node_count > 1 or (settings.restarts and kind != "TPU"):
        from job.ranked import train_on_ranks

        with stop_when_preempted(os.environ.get("GCE_METADATA_HOST")):
            return train_on_ranks(parsed, stop, vertex, devices, kind)
    from job.train import train
    from job.training import trial_callbacks

    _, metric = settings.monitored
    is_given = parsed.sources["monitor"] != "default"
    callbacks = trial_callbacks(vertex, metric, is_given=is_given)
    with stop_when_preempted(os.environ.get("GCE_METADATA_HOST")):
        handler.tell(train(settings, stop, handler, callbacks))
    return 0


def check_command(parsed: Parsed, stop: StopRequest, handler: "LogHandler") -> int:
    """Tries everything that a run needs, without training."""
    from job.check import check

    stop.raise_from_here()
    return check(parsed.settings)


def predict_command(parsed: Parsed, stop: StopRequest, handler: "LogHandler") -> int:
    """Tags a file of sentences."""
    from job.devices import choose_hardware
    from job.predict import predict

    stop.raise_from_here()
    settings = parsed.settings
    assert isinstance(settings, PredictSettings)
    text, tagged = parsed.operands
    hardware = choose_hardware(settings.wanted_accelerator, "32")
    given = parsed.sources["max_seq_length"] != "default"
    predict(
        settings.downstream_model_dir,
        text,
        tagged,
        cache_dir=settings.cache_dir,
        device=hardware.device,
        max_seq_length=settings.max_seq_length if given else None,
        stride=settings.window_stride if given else None,
        to=settings.to,
    )
    return 0


def evaluate_command(parsed: Parsed, stop: StopRequest, handler: "LogHandler") -> int:
    """Scores a model on labelled files."""
    from job.devices import choose_hardware
    from job.evaluate import evaluate

    stop.raise_from_here()
    settings = parsed.settings
    assert isinstance(settings, EvaluateSettings)
    given = parsed.sources["max_seq_length"] != "default"
    tables, _ = evaluate(
        parsed.operands,
        settings,
        choose_hardware(settings.wanted_accelerator, "32"),
        max_seq_length=settings.max_seq_length if given else None,
        stride=settings.window_stride if given else None,
    )
    streams.print_whole(tables)
    return 0


def convert_command(parsed: Parsed, stop: StopRequest, handler: "LogHandler") -> int:
    """Writes a corpus in another shape."""
    from job.convert import convert

    stop.raise_from_here()
    assert isinstance(parsed.settings, ConvertSettings)
    read, written = parsed.operands
    convert(read, written, parsed.settings)
    return 0


def spec_text(parsed: Parsed) -> str:
    """The specification that was asked for."""
    assert isinstance(parsed.settings, LaunchSettings)
    return spec.render(parsed.settings, parsed.sources)


def completion_text(parsed: Parsed) -> str:
    """The script for the shell that was named."""
    abouts = {each.name: each.about() if each.about else None for each in COMMANDS.values()}
    return completion.script(parsed.operands[1:], abouts)


Run = Callable[[Parsed, StopRequest, "LogHandler"], int]


@dataclass(frozen=True)
class Command:
    """It takes the settings of `settings_class`. It has `run`, which returns the exit code, or only
    prints a `text`."""

    name: str
    settings_class: type[Settings]
    run: Run | None = None
    text: Callable[[Parsed], str] | None = None
    about: Callable[[], About] | None = None  # the help of the whole program without one
    needs_one_machine: bool = False

    @property
    def help(self) -> str:
        return help_of_command(self.about()) if self.about else help_text()


COMMANDS = {
    command.name: command
    for command in (
        Command("train", Settings, train_command),
        Command("check", Settings, check_command, about=about_check, needs_one_machine=True),
        Command("predict", PredictSettings, predict_command, about=about_predict),
        Command("evaluate", EvaluateSettings, evaluate_command, about=about_evaluate),
        Command("convert", ConvertSettings, convert_command, about=about_convert),
        Command("spec", LaunchSettings, text=spec_text, about=spec.about),
        Command("completion", completion.NoSettings, text=completion_text, about=completion.about),
    )
}
# What `job.settings.parse` has to know of them.
SETTINGS_CLASSES = {name: command.settings_class for name, command in COMMANDS.items()}
CHOICES = {"target": TARGETS}
