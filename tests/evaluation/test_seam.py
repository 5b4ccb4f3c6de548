"""A metric is a function of counts and a row: it then appears wherever figures are shown."""

import json
import re

from job.evaluation.scores import METRICS, Counts, Metric
from job.evaluation.terminal import summary_table
from tests.evaluation.test_report import ROWS, result, write


def f_half(counts: Counts) -> float:
    """F with beta 0.5: precision counts twice as much as recall."""
    below = 0.25 * counts.gold + counts.predicted
    return 1.25 * counts.true_positive / below if below else 0.0


def test_a_new_row_appears_in_the_numbers_the_page_and_the_terminal(monkeypatch, tmp_path):
    """In metrics.json for all and for each type, and as a column for readers."""
    monkeypatch.setitem(METRICS, "f_half", Metric("F0.5", f_half))
    split = result("val", ROWS)
    write(tmp_path, results=[split])
    expected = f_half(split.characters.micro)
    written = json.loads((tmp_path / "metrics.json").read_text())["splits"]["val"]["characters"]
    assert written["micro"]["f_half"] == expected > 0
    assert all("f_half" in row for row in written["per_type"].values())
    page = (tmp_path / "index.html").read_text("utf-8")
    assert '<th scope="col">Recall</th><th scope="col">F0.5</th><th scope="col">Entities' in page
    loc = split.characters.per_type["LOC"]
    assert f_half(loc) not in (loc.precision, loc.recall)
    assert f"<td>{loc.recall:.3f}</td><td>{f_half(loc):.3f}</td>" in re.sub(r">\s+<", "><", page)
    _, header, _, *rows = summary_table(split).splitlines()
    assert header.split()[-4:] == ["recall", "F0.5", "F1", "entities"]
    micro = next(row.split() for row in rows if row.startswith("micro"))
    assert micro[-3] == f"{expected:.3f}"
