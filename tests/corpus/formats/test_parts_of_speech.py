"""Tags that are no entities: parts of speech, and the chunks of CoNLL 2000."""

import pytest

from job.corpus.formats.columns.parts_of_speech import are_chunks, is_part_of_speech


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("B-NP I-NP B-VP O", True),
        ("B-NP O", True),
        ("B-NP B-PS O", False),  # a type of entities that is called as a phrase is
        ("B-PRT I-PRT O", False),  # neither NP nor VP: as well a type of one's own
        ("B-PS O", False),
        ("O", False),
    ],
)
def test_a_column_is_of_chunks_where_all_its_types_are(tags, expected):
    """With NP or VP among them, which every text has."""
    assert are_chunks(tags.split()) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("NNG", True),
        ("NNG+JX", True),
        ("NNG/JX|EF", True),
        ("NNG+*", True),  # a sign beside them names nothing
        ("NNG+김", False),
        ("PS", False),
    ],
)
def test_a_part_of_speech_may_be_several(value, expected):
    """Each of them is one, whatever sign joins them."""
    assert is_part_of_speech(value) is expected
