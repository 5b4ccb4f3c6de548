"""`python -m job spec TARGET`: the given arguments as what gcloud or docker takes.

What was given as flag, variable or line of .env becomes a variable of the container; a default
does not, so that an image with newer defaults uses them. Secrets never go in.
"""

from collections.abc import Mapping

from job.launch import TARGETS, LaunchSettings
from job.settings import About, Settings, either

_NOT_GIVEN = frozenset({"default", "sample preset"})


def render(settings: LaunchSettings, sources: Mapping[str, str]) -> str:
    """The whole text for stdout, without the last line end. `sources` are those of `Parsed`."""
    return settings.target.render(settings, container_env(settings, sources)).rstrip("\n")


def container_env(settings: LaunchSettings, sources: Mapping[str, str]) -> dict[str, str]:
    """Variable → value, as text: what was given."""
    values = settings.public_values()
    env = {
        name.upper(): _text(values[name])
        for name in Settings.model_fields
        if values.get(name) is not None and sources[name] not in _NOT_GIVEN
    }
    if settings.downstream_corpus is not None:
        return env
    # The image alone trains the sample; a job in the cloud says what it trains on.
    return {"DOWNSTREAM_CORPUS_NAME": settings.downstream_corpus_name, **env}


def about() -> About:
    """The targets, and what `spec` takes beside the arguments of the job."""
    return About(
        usage="spec TARGET [flags]",
        text="Prints what gcloud or docker takes to run the job there. The job's own arguments go "
        "with it, from flags, variables and .env (`{program} --help` lists them); secrets go by "
        "their names in Secret Manager, and DOWNSTREAM_MODEL_DIR is a folder in a bucket.",
        operands=(("TARGET", either(list(TARGETS))),),
        example="{program} spec vertex-gpu --downstream_model_dir=gs://BUCKET/news \\\n"
        "      --downstream_corpus_root_dir=gs://BUCKET/corpora --downstream_corpus_name=news \\\n"
        "      --image=REGION-docker.pkg.dev/PROJECT/REPOSITORY/korean-ner-job:TAG > news.yaml",
        fields={
            name: field
            for name, field in LaunchSettings.model_fields.items()
            if name != "target" and name not in Settings.model_fields
        },
    )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
