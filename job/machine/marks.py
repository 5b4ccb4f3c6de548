"""The environment's answers that are needed before anything is imported."""

from collections.abc import Mapping

# Only Vertex AI sets them: https://cloud.google.com/vertex-ai/docs/training/code-requirements
MARKS = (
    "AIP_MODEL_DIR",
    "AIP_CHECKPOINT_DIR",
    "AIP_TENSORBOARD_LOG_DIR",
    "CLUSTER_SPEC",
    "CLOUD_ML_JOB_ID",
    "CLOUD_ML_PROJECT_ID",
    "CLOUD_ML_TRIAL_ID",
)


def is_in_cloud(environ: Mapping[str, str]) -> bool:
    """Whether a variable that only Vertex AI sets is there."""
    return any(environ.get(name) for name in MARKS)


def is_json_asked(environ: Mapping[str, str]) -> bool:
    """Whether everything that is printed has to be JSON, as far as the environment says."""
    asked = environ.get("LOG_FORMAT", "").strip() or "auto"
    return asked == "json" or (asked == "auto" and is_in_cloud(environ))
