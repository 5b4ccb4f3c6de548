"""The documents, taken apart."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
READMES = ("README.md", "README.ko.md")
# The pages that there are in both languages, as English and Korean.
PAIRS = (
    READMES,
    *(
        (f"docs/{name}.md", f"docs/{name}.ko.md")
        for name in ("arguments", "corpus-formats", "outputs", "labels-and-scores", "tutorial")
    ),
)
DOCUMENTS = (
    *READMES,
    *("CHANGELOG.md", "BENCHMARKS.md", "CONTRIBUTING.md"),
    *sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("docs/**/*.md")),
)


def read(document: str) -> str:
    return (ROOT / document).read_text("utf-8")


def blocks(document: str, info: str) -> list[str]:
    """The content of the fenced blocks whose opening line says `info`."""
    return re.findall(rf"^```{info}\n(.*?)^```$", read(document), re.M | re.S)


def rows(document: str, pattern: str) -> list[tuple[str, ...]]:
    """The cells of the table rows whose first cell matches `pattern` whole."""
    cells = [line.strip("|").split(" | ") for line in read(document).splitlines() if "| " in line]
    stripped = [tuple(cell.strip() for cell in row) for row in cells]
    return [row for row in stripped if re.fullmatch(pattern, row[0])]
