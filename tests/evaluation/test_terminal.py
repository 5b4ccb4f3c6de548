"""The last screen: its columns line up, and it says of which F1 and of which time it speaks."""

import dataclasses

import pytest

from job.evaluation.results import Exported
from job.evaluation.scores import Counts, Scores
from job.evaluation.terminal import display_width, last_screen, summary_table
from job.sentence import Span
from tests.evaluation.test_report import ROWS, epoch, result

FACTS = {"seconds": "50", "seconds of training": "30"}


def screen(split=None, facts=FACTS, **given):
    return last_screen([split or result("val", ROWS)], [epoch(1)], facts, "out", **given)


def test_the_summary_lines_up_with_hangul_type_names():
    """Columns end at the same terminal column, though Hangul is two columns wide."""
    types = ("인물", "LOC")
    rows = [("김환희 서울", [Span(0, 3, "인물"), Span(4, 6, "LOC")], [Span(0, 3, "인물")])]
    _, *lines = summary_table(result("val", rows, types=types)).splitlines()
    assert len({display_width(line) for line in lines if not line.startswith("macro")}) == 1
    assert lines[2].split() == ["인물", "1.000", "1.000", "1.000", "1.000", "1"]
    assert lines[3].split() == ["LOC", "0.000", "0.000", "0.000", "0.000", "1"]
    assert lines[5].split() == ["micro", "0.667", "1.000", "0.500", "0.667", "2"]
    assert lines[6].split() == ["macro", "0.500", "0.500"]
    assert display_width("인물") == display_width("인물") == 4  # precomposed, decomposed


def test_precision_and_recall_stand_below_the_words_of_their_f1():
    """The heading of exact characters reaches from the first F1 to recall, that of wordpieces over
    the second F1 alone."""
    split = dataclasses.replace(result("val", ROWS), wordpieces=Scores({"PER": Counts(9, 10, 10)}))
    headings, columns, *rows = summary_table(split).splitlines()
    over = slice(headings.index("-"), headings.rindex("-") + 1)
    assert headings[over].strip("- ") == "exact characters"
    assert columns[over].split() == ["F1", "precision", "recall"]
    assert headings[over.stop :].split() == ["wordpieces"]
    assert columns[over.stop : len(headings)].split() == ["F1"]
    micro = next(row for row in rows if row.startswith("micro"))
    assert micro[over.stop : len(headings)].split() == ["0.900"]


def test_a_start_that_went_on_says_its_own_time_beside_the_total():
    """The other starts are in the total alone."""
    assert "\n12 s here, 50 s in all, 30 s of training at 900 sentences/s\n" in screen(
        seconds_here=12.3
    )
    for only_start in (screen(), screen(seconds_here=49.8)):
        assert "\n50 s in all, 30 s of training" in only_start


@pytest.mark.parametrize("cost", [{}, {"cost": "1.25 USD"}])
def test_the_cost_is_shown_where_it_is_known_only(cost):
    """Without a price there is no word of money."""
    assert ("USD" in screen(facts=FACTS | cost)) == bool(cost)


def test_the_screen_says_which_epoch_was_exported_and_what_the_ends_gave():
    """And is silent on either where it is not known."""
    split = result("val", ROWS)
    alone = dataclasses.replace(split, tags_alone=Scores({"PER": Counts(1, 6, 7)}))
    shown = screen(alone, exported=Exported(2, "the lowest val_loss (0.1) of 3 epochs"))
    assert "\nExported epoch 2: the lowest val_loss (0.1) of 3 epochs.\n" in shown
    assert (
        "\nEntity ends inside wordpieces: +0.154 F1 on exact characters, 0.154 without.\n" in shown
    )
    assert "Exported" not in screen()
    assert "ends inside" not in screen()
