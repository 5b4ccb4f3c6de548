"""Writes the examples in docker/specs/, one or more for each target of `python -m job spec`.

Run it as `make specs`. A test holds the files equal to what this renders.
"""

from pathlib import Path

from job import __version__
from job.commands import CHOICES, SETTINGS_CLASSES, spec_text
from job.settings import parse

SPECS = Path(__file__).parent / "specs"
REGISTRY = "us-central1-docker.pkg.dev/my-project/ner/korean-ner-job"
ACCOUNT = "--service_account=ner-job@my-project.iam.gserviceaccount.com"
GPU = f"--image={REGISTRY}:gpu-{__version__}"
TPU = f"--image={REGISTRY}:tpu-{__version__}"
CORPUS = [
    "--downstream_corpus_root_dir=gs://my-bucket/corpora",
    "--downstream_corpus_name=news",
    "--downstream_model_dir=gs://my-bucket/ner/run-1",
]
# File → the words after `python -m job spec`.
EXAMPLES = {
    "vertex-gpu.yaml": ["vertex-gpu", GPU, ACCOUNT, *CORPUS, "--save_every_steps=500"],
    "vertex-gpu-spot.yaml": [
        *("vertex-gpu", GPU, ACCOUNT, *CORPUS, "--save_every_steps=100", "--strategy=spot"),
        "--accelerator_type=NVIDIA_TESLA_A100",
    ],
    "vertex-gpu-four.yaml": [
        *("vertex-gpu", GPU, ACCOUNT, *CORPUS, "--machine_type=g2-standard-48", "--batch_size=8"),
    ],
    "vertex-gpu-multinode.yaml": ["vertex-gpu-multinode", GPU, ACCOUNT, *CORPUS],
    "vertex-tpu.yaml": ["vertex-tpu", TPU, ACCOUNT, *CORPUS],
    "vertex-hptuning.yaml": [
        *("vertex-hptuning", GPU, ACCOUNT, *CORPUS, "--monitor=max val_f1", "--max_trials=12"),
        "--tuning_parameters=learning_rate=1e-5..1e-4:log,batch_size=16|32,"
        "lr_scheduler=linear|exponential",
    ],
    "tpu-vm.sh": ["tpu-vm", TPU, ACCOUNT, *CORPUS, "--strategy=spot"],
    "docker.sh": [
        *("docker", f"--image=korean-ner-job:gpu-{__version__}"),
        *("--downstream_corpus_root_dir=corpora", "--downstream_corpus_name=news"),
        "--downstream_model_dir=output/news",
    ],
}


def rendered(name: str) -> str:
    """The text of one example."""
    return text_of(EXAMPLES[name])


def text_of(words: list[str]) -> str:
    """What `python -m job spec WORDS` prints."""
    return (
        spec_text(parse(["spec", *words], {}, Path("/nowhere"), SETTINGS_CLASSES, CHOICES)) + "\n"
    )


if __name__ == "__main__":
    SPECS.mkdir(exist_ok=True)
    for name in EXAMPLES:
        (SPECS / name).write_text(rendered(name), "utf-8")
        print(f"docker/specs/{name}")
