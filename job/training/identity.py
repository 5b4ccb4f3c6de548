"""The arguments and facts that make two runs the same run."""

import logging
from dataclasses import replace

from job.checkpoints import Identity, Start
from job.encoding import tokenizer_digest
from job.settings import Settings
from job.storage import masked
from job.training.preparation import Prepared

logger = logging.getLogger(__name__)

SPLITS = ("train", "val")  # the test split changes no weight
# Arguments that change which weights come out of a step, beside model and corpus.
DECISIVE = (
    "pretrained_model_name",
    "pretrained_model_revision",
    "max_seq_length",
    "long_sentences",
    "window_stride",
    "learning_rate",
    "seed",
    "lr_scheduler",
    "warmup_ratio",
    "weight_decay",
    "gradient_accumulation",
    "gradient_clip",
    "test_mode",
    "entity_ends",
)


def identity_of(settings: Settings, prepared: Prepared) -> Identity:
    """The identity of the run of these settings and this corpus."""
    facts = {name: getattr(settings, name) for name in DECISIVE}
    facts["pretrained_model_name"] = masked(settings.pretrained_model_name)
    # Of all devices together: 4 on each of 8 cores train what 32 on one device do.
    facts["batch_size"] = prepared.batch_size * prepared.plan.world_size
    facts["tokenizer"] = tokenizer_digest(prepared.tokenizer)
    if (
        settings.types_rule.options
    ):  # what reads types as they are is as it was before there were rules
        facts["entity_types"] = "; ".join(settings.types_rule.options)
    splits = {name: prepared.splits[name] for name in SPLITS}
    for name, split in splits.items():
        facts[f"{name}_digest"] = split.digest
    # Equal files are the same corpus, unless an argument changes how they are read.
    files = {name: split.sha256 for name, split in splits.items() if not split.options}
    is_asked = settings.entity_ends and "entity_ends" in settings.model_fields_set
    usual = frozenset() if is_asked else frozenset(["entity_ends"])
    return Identity(facts, prepared.label_map.labels, files, usual)


def as_begun(prepared: Prepared, identity: Identity, start: Start) -> tuple[Prepared, Identity]:
    """Both as the run at `start` began, which may have been before there were tables of ends."""
    if start.checkpoint is None or "entity_ends" in start.checkpoint.settings:
        return prepared, identity
    if prepared.ends:
        logger.info(
            "The run was begun by a version without tables of ends and goes on without one; "
            "RESUME=never with another DOWNSTREAM_MODEL_DIR trains with one."
        )
    facts = {name: value for name, value in identity.facts.items() if name != "entity_ends"}
    return replace(prepared, ends=None), replace(identity, facts=facts)
