"""Tables for a terminal: their columns line up."""

from job.evaluation.results import Exported
from job.evaluation.terminal import display_width, last_screen, summary_table
from job.sentence import Span
from tests.evaluation.test_report import epoch, result


def test_the_summary_lines_up_with_hangul_type_names():
    """Columns end at the same terminal column, though Hangul is two columns wide."""
    types = ("인물", "LOC")
    rows = [("김환희 서울", [Span(0, 3, "인물"), Span(4, 6, "LOC")], [Span(0, 3, "인물")])]
    lines = summary_table(result("val", rows, types=types)).splitlines()
    assert len({display_width(line) for line in lines if not line.startswith("macro")}) == 1
    assert lines[2].split() == ["인물", "1.000", "1.000", "1.000", "1.000", "1"]
    assert lines[3].split() == ["LOC", "0.000", "0.000", "0.000", "0.000", "1"]
    assert lines[5].split() == ["micro", "0.667", "0.667", "1.000", "0.500", "2"]
    assert lines[6].split() == ["macro", "0.500", "0.500"]
    assert display_width("인물") == display_width("인물") == 4  # precomposed, decomposed


def test_the_last_screen_says_which_epoch_was_exported_and_why():
    """In a line; without one where nobody knows."""
    results, history = [result("val", [("부산", [], [])])], [epoch(1), epoch(2)]
    facts = {"seconds": "9", "seconds of training": "8"}
    exported = Exported(2, "the highest val F1 on exact characters, 0.950, of 2 epochs")
    screen = last_screen(results, history, facts, "out", exported=exported)
    told = "Exported epoch 2: the highest val F1 on exact characters, 0.950, of 2 epochs."
    assert told in screen.splitlines()
    assert "Exported" not in last_screen(results, history, facts, "out")
