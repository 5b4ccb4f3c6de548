"""What saving costs a run: the job's saver beside Lightning's ModelCheckpoint, on one slow store.

    python -m bench.saving [--epochs 2] [--steps 240] [--step_s 0.25] [--limit 100]

A model of BERT-base's size (110 M weights, 1.3 GB with AdamW's moments) is saved after each epoch
to a bucket on loopback that takes `--limit` MB/s. A step is one that an accelerator computes: this
process waits for it, then updates the classifier's weights. For each way of saving, in a process
of its own: seconds that training stood still per epoch (in the callback's hooks), how much longer
its steps took while an upload was under way, both as a share of the epoch's time, and the
process's peak memory beside that of a run that does not save.
"""

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOOKS = (
    *("on_train_batch_start", "on_train_batch_end", "on_validation_start", "on_validation_end"),
    *("on_validation_batch_end", "on_train_epoch_end", "on_train_end"),
)


def one(kind: str, corpus: Path, epochs: int, step_s: float) -> dict[str, float]:
    """Trains once in this process, saving as `kind` says: job, lightning or none."""
    import pytorch_lightning as pl
    from pytorch_lightning.callbacks import ModelCheckpoint
    from transformers import BertConfig, BertForTokenClassification

    from job.batches import EpochPlan, EvaluationBatches, RunData, TrainingSteps
    from job.checkpoints.callback import Checkpoints
    from job.checkpoints.position import Position
    from job.checkpoints.saver import Saver
    from job.checkpoints.store import CheckpointStore
    from job.devices import choose_hardware
    from job.settings.settings import Settings
    from job.signals import StopRequest
    from job.training.preparation import prepare
    from job.training.trainer import inapplicable_advice_ignored, make_module, make_trainer

    settings = Settings(
        downstream_corpus_name=corpus.name,
        downstream_corpus_root_dir=str(corpus.parent),
        pretrained_model_name=str(corpus.parent / "model"),
        cache_dir=corpus.parent / "cache",
        accelerator="cpu",
        precision="32",
        max_seq_length=32,
        batch_size=1,
        epochs=epochs,
    )
    hardware = choose_hardware("cpu", "32")
    prepared = prepare(settings, hardware)
    config = BertConfig(vocab_size=30_000, num_labels=len(prepared.label_map.labels))
    object.__setattr__(prepared, "network", BertForTokenClassification(config))
    plan = EpochPlan(prepared.encoded["train"].sentence_count, 1, 7)
    url = f"gs://bucket/{kind}"
    with tempfile.TemporaryDirectory() as scratch:
        store = CheckpointStore(f"{url}/checkpoints", settings.monitored, 1)
        saver = Saver(store, Path(scratch))
        module = make_module(prepared, settings, hardware, plan.steps)
        savers = {
            "none": lambda: pl.Callback(),
            "lightning": lambda: ModelCheckpoint(f"{url}/checkpoints", monitor="val_loss"),
            "job": lambda: Checkpoints(
                saver,
                StopRequest(),
                module,
                may_go_on=lambda: None,
                facts={"settings": {}, "labels": prepared.label_map.labels},
                every_steps=0,
                steps_per_epoch=plan.steps,
                start=Position(),
                state=None,
            ),
        }
        saving = savers[kind]()
        still_s = timed_hooks(saving)
        steps = StepTimes(lambda: saver.is_busy)
        trainer = make_trainer(settings, hardware, saver, [steps.callback], Path(scratch))
        trainer.callbacks.append(saving)
        if kind == "lightning":
            trainer.strategy.checkpoint_io = pl.plugins.io.TorchCheckpointIO()
        data = RunData(
            TrainingSteps(prepared.encoded["train"], prepared.layout, plan),
            EvaluationBatches(prepared.encoded["val"], prepared.layout),
            first_epoch=0,
            first_step=0,
            workers=0,
        )
        module.training_step = computed_elsewhere(module, step_s)
        started_at = time.monotonic()
        with inapplicable_advice_ignored(), saver.finishing():
            trainer.fit(module, datamodule=data)
        trained_s = time.monotonic() - started_at
    during = statistics.median(steps.during) if steps.during else math.nan
    return {
        "still_s": sum(still_s),
        "trained_s": trained_s,
        "step_s": statistics.median(steps.alone),
        "step_during_upload_s": during,
        "steps_during_upload": len(steps.during),
        "slowed_s": sum(steps.during) - len(steps.during) * statistics.median(steps.alone),
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def computed_elsewhere(module, step_s: float):
    """A training step that takes its time on another device."""
    import torch

    def training_step(batch, batch_idx):
        optimizer = module.trainer.optimizers[0]
        if not optimizer.state:  # as after a first step of all weights
            for weight in module.parameters():
                moments = {
                    "exp_avg": torch.zeros_like(weight),
                    "exp_avg_sq": torch.zeros_like(weight),
                }
                optimizer.state[weight] = {"step": torch.ones(()), **moments}
        time.sleep(step_s)
        return module.network.classifier.weight.square().mean()

    return training_step


def timed_hooks(callback) -> list[float]:
    """The seconds that the callback's hooks take from now on."""
    taken: list[float] = []

    def timed(act):
        def call(*arguments):
            started_at = time.monotonic()
            act(*arguments)
            taken.append(time.monotonic() - started_at)

        return call

    for name in HOOKS:
        setattr(callback, name, timed(getattr(callback, name)))
    return taken


class StepTimes:
    """Seconds of each step, hooks left out: those during an upload and those without one."""

    def __init__(self, is_busy):
        import pytorch_lightning as pl

        self.during: list[float] = []
        self.alone: list[float] = []
        times = self

        class Callback(pl.Callback):
            def on_train_batch_start(self, *_):
                self.was_busy, self.began_at = is_busy(), time.monotonic()

            def on_train_batch_end(self, trainer, *_):
                taken = time.monotonic() - self.began_at
                if trainer.global_step > 5:
                    (times.during if self.was_busy or is_busy() else times.alone).append(taken)

        self.callback = Callback()


def write_corpus(folder: Path, steps: int) -> Path:
    """A toy corpus, and a folder with its tokenizer."""
    from tests.support.runs import line
    from tests.support.tiny import make_network, write_tokenizer

    corpus = folder / "toy"
    corpus.mkdir()
    for split, count in (("train", steps), ("val", 16)):
        text = "".join(line(n) + "\n" for n in range(count))
        (corpus / f"{split}.txt").write_text(text, "utf-8")
    write_tokenizer(folder / "model")
    make_network(layers=1).save_pretrained(folder / "model")
    return corpus


def measure(kind: str, arguments: argparse.Namespace, corpus: Path, host: str) -> dict[str, float]:
    """`one` in a process of its own."""
    command = [sys.executable, "-m", "bench.saving", "--one", kind, "--corpus", str(corpus)]
    command += [f"--epochs={arguments.epochs}", f"--step_s={arguments.step_s}"]
    # Without the second, gcsfs looks for Google's servers first, which is not what is measured.
    gcs = {"STORAGE_EMULATOR_HOST": host, "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}
    environment = {**os.environ, **gcs}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--steps", type=int, default=240, help="of an epoch")
    parser.add_argument("--step_s", type=float, default=0.25, help="seconds of a step")
    parser.add_argument("--limit", type=float, default=100, help="MB/s of the store")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--corpus", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(one(arguments.one, arguments.corpus, arguments.epochs, arguments.step_s)))
        return
    port = 9123
    server = [
        sys.executable,
        "-m",
        "tests.support.gcs",
        f"--port={port}",
        f"--limit={arguments.limit:g}",
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as store,
    ):
        try:
            store.stdout.readline()
            corpus = write_corpus(Path(folder), arguments.steps)
            host = f"http://127.0.0.1:{port}"
            kinds = ("none", "job", "lightning")
            found = {kind: measure(kind, arguments, corpus, host) for kind in kinds}
        finally:
            store.terminate()
    tell(found, arguments.epochs)


def tell(found: dict[str, dict[str, float]], epochs: int) -> None:
    print(f"{'':12}{'still':>10}{'slowed':>10}{'epoch':>10}{'lost':>9}{'peak':>10}{'extra':>10}")
    for kind, run in found.items():
        lost_s = run["still_s"] + (run["slowed_s"] if run["steps_during_upload"] else 0)
        between_s = run["trained_s"] - lost_s
        cells = (run["still_s"] / epochs, run["slowed_s"] / epochs, between_s / epochs)
        extra = run["peak_gb"] - found["none"]["peak_gb"]
        print(
            f"{kind:12}"
            + "".join(f"{cell:8.2f} s" for cell in cells)
            + f"{lost_s / between_s:9.2%}{run['peak_gb']:7.2f} GB{extra:7.2f} GB"
        )
    print("still, slowed, epoch: seconds per epoch; lost = (still + slowed) / the rest")


if __name__ == "__main__":
    main()
