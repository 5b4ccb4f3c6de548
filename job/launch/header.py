"""The comment lines on top of a specification."""

from job.launch.settings import LaunchSettings


def header(settings: LaunchSettings, *lines: str) -> str:
    """The origin of the text, its use (`lines`), and what the job will not do with it."""
    told = [f"Written by `python -m job spec {settings.target}`.", *lines]
    idle = settings.accelerator_count - (settings.devices or settings.accelerator_count)
    if idle > 0:
        all_of_them = f"the machine's {settings.accelerator_count} GPUs"
        told.append(f"DEVICES={settings.devices}: {idle} of {all_of_them} idle, and are paid.")
    if settings.compile:
        told.append("COMPILE needs a compiler: take an image of your own that has one.")
    return "".join(f"# {line}\n" for line in told)
