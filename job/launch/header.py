"""The comment lines on top of a specification."""

from job.launch.settings import LaunchSettings


def header(settings: LaunchSettings, *lines: str) -> str:
    """The origin of the text, its use (`lines`), and what the job will not do with it."""
    told = [f"Written by `python -m job spec {settings.target}`.", *lines]
    if settings.accelerator_type != "TPU_V3" and settings.accelerator_count > 1:
        told.append(f"The job computes on one of the {settings.accelerator_count} GPUs.")
    if settings.compile:
        told.append("COMPILE needs a compiler: take an image of your own that has one.")
    return "".join(f"# {line}\n" for line in told)
