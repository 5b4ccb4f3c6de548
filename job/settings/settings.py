"""One frozen, validated value for everything that a run can be told.

`job.settings.parsing` collects what the user said and where; here is what may be said. Constructing
`Settings` reads nothing but its keyword arguments (and HOME, for the cache folder's default), so a
test or a notebook gets what it wrote.
The order of the fields is that of `--help`; a field with a `group` starts one.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from job.settings.conflicts import Conflict, conflicts_in
from job.settings.field_types import SAMPLE_DEFAULTS
from job.settings.run_settings import RunSettings


class Settings(RunSettings):
    """Raises pydantic.ValidationError; `job.settings.parsing.parse` turns it into sentences."""

    def conflicts(self) -> list[Conflict]:
        """Arguments that are each fine but cannot be used together."""
        return list(conflicts_in(self))

    def public_values(self) -> dict[str, Any]:
        """Every field but the secrets, as JSON values: to be hashed, logged or written."""
        return self.model_dump(mode="json", exclude=set(SECRETS))

    @property
    def is_sample(self) -> bool:
        """Whether the corpus is the embedded one."""
        return _is_sample(vars(self))

    @model_validator(mode="before")
    @classmethod
    def _apply_sample_preset(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {**SAMPLE_DEFAULTS, **given} if _is_sample(given) else given


def _is_sample(values: Mapping[str, Any]) -> bool:
    elsewhere = values.get("downstream_corpus") or values.get("downstream_corpus_root_dir")
    return values.get("downstream_corpus_name") == "sample" and not elsewhere


SECRETS = tuple(
    name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)
)
