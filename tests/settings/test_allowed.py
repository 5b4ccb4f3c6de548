"""The values that a message says a setting may have."""

from job.settings import ConvertSettings
from job.settings.help import allowed_values


def test_a_choice_that_may_be_left_out_names_its_choices():
    """`--to=brat` is answered with the shapes, as a choice with a default is."""
    assert allowed_values(ConvertSettings.model_fields["to"]).startswith("jsonl, tutorial, klue")
