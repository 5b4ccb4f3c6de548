"""The documents say what the code does: every path, link, command, name and example in them."""

import re
from pathlib import Path

import pytest
import yaml

import job
from docker.render_specs import SPECS
from job.commands import COMMANDS
from job.launch.catalog import ACCELERATORS
from job.launch.settings import LaunchSettings
from job.sentence import Span
from job.settings.command_line import SWITCHES
from job.settings.parsing import ANSWERS
from tests.support.arguments import parse
from tests.support.documents import DOCUMENTS, PAIRS, READMES, ROOT, blocks, read
from tests.support.parsing import parse as parse_corpus

TUTORIAL = ("docs/tutorial.md", "docs/tutorial.ko.md")
FOR_USERS = [
    page for page in DOCUMENTS if page in (*READMES, "CHANGELOG.md") or page.count("/") == 1
]


@pytest.mark.parametrize("document", READMES)
def test_the_readme_is_short(document):
    """It is read in a minute; what takes longer has a page of its own."""
    assert len(read(document).splitlines()) <= 200


@pytest.mark.parametrize("document", READMES)
def test_the_readme_leads_to_every_page(document):
    """Each page of docs/ is linked, in the reader's language if it is there."""
    linked = set(re.findall(r"\]\((docs/[\w.-]+\.md)", read(document)))
    column = READMES.index(document)
    in_other_language = {pair[1 - column] for pair in PAIRS}
    pages = {f"docs/{page.name}" for page in ROOT.glob("docs/*.md")} - in_other_language
    if document == "README.ko.md":
        pages |= {pair[1] for pair in PAIRS[1:]}
    assert linked == pages


def anchors(document: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", read(document), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_relative_links_lead_somewhere(document):
    """Every link to a file of the repository, or to a heading, has an end."""
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", read(document)) if "://" not in link]
    for link in links:
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), link
        assert not anchor or anchor in anchors(str(target.relative_to(ROOT))), link


@pytest.mark.parametrize("document", [*TUTORIAL, "CONTRIBUTING.md"])
def test_names_are_found_in_the_file_that_is_linked(document):
    """Where a sentence names a function or a table and links its file, the file has it."""
    said = re.findall(
        r"((?:`\w+`(?:, |와 |과 | and )?)+)(?:\s+(?:in|of)\s+|\()\[(job/[\w/]+\.py)\]",
        read(document),
    )
    assert len(said) > 4
    for names, file in said:
        for name in re.findall(r"`(\w+)`", names):
            has_it = re.search(rf"^((def|class) )?{name}\b", read(file), re.M)
            assert has_it, f"{name} in {file}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_and_flags_exist(document):
    """Every make target, command and flag that a reader may copy is one that works."""
    text = read(document).replace("\\\n", " ")
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.M))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.M)) <= targets
    for line in re.findall(r"python -m job\b([^`\n#|]*)", text):
        words = line.split()
        first = next((word for word in words if re.match(r"[a-z]", word)), "train")
        assert first in (*COMMANDS, *ANSWERS) or words[0].startswith("--"), line
        taken = COMMANDS[first].settings_class.taken() if first in COMMANDS else {}
        for flag in re.findall(r"(?<!\S)--([a-z_0-9]+)", line):
            assert flag in taken or flag in SWITCHES, flag
    for module in re.findall(r"python -m ([\w.]+)", text):
        assert (ROOT / module.replace(".", "/")).exists() or (
            ROOT / f"{module.replace('.', '/')}.py"
        ).exists()


@pytest.mark.parametrize("document", FOR_USERS)
def test_variables_exist(document):
    """No variable is named that is neither the job's nor the page's; AIP_* are Vertex AI's own, and
    so are the names of accelerators."""
    text = read(document).replace("`B_PER`", "")
    named = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", text, re.ASCII))
    own = set(re.findall(r"\b([A-Z_]+)=", "\n".join(blocks(document, "sh[^\n]*"))))
    known = {name.upper() for name in LaunchSettings.model_fields} | own
    known |= {"XDG_CACHE_HOME", "STORAGE_EMULATOR_HOST", "PJRT_DEVICE", "CUDA_VISIBLE_DEVICES"}
    known |= ACCELERATORS.keys()
    known |= {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
    known |= {"REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"}
    assert {name for name in named if not name.startswith("AIP_")} <= known


@pytest.mark.parametrize("document", ["docs/corpus-formats.md", "docs/corpus-formats.ko.md"])
def test_the_formats_shown_are_read_alike(document):
    """The five examples are accepted and give one sentence with the same entities."""
    text = "이순신은 1545년 서울에서 태어났다."
    spans = (Span(0, 3, "PER"), Span(5, 10, "DAT"), Span(11, 13, "LOC"))
    examples = {
        info: blocks(document, info)
        for info in (
            "text tagged",
            "text characters",
            "text morphemes",
            "json spans",
            "json tokens",
        )
    }
    for info, found in examples.items():
        [example] = found
        parsed = parse_corpus(example.encode(), info)
        assert [(s.text, s.spans) for s in parsed.sentences] == [(text, spans)], info
        assert not parsed.rejected


@pytest.mark.parametrize("document", TUTORIAL)
def test_the_fifteen_cells_are_accounted_for(document):
    """The table has the tutorial's 코드1 to 코드15, in order, each with a place here."""
    cells = re.findall(r"^- \*\*(코드\d+)\*\*: .+<br>→ (.+)$", read(document), re.M)
    assert [cell for cell, _ in cells] == [f"코드{n}" for n in range(1, 16)]
    assert all(re.search(r"\]\(\.\./(job|docker)/", place) for _, place in cells)


@pytest.mark.parametrize(("english", "korean"), PAIRS)
def test_the_two_languages_say_the_same(english, korean):
    """Headings, tables, lists, links and code are alike in number and order."""
    for pattern in (r"^(#+) ", r"^```(.*)$", r"^( *[-|])"):
        found = [re.findall(pattern, read(page), re.M) for page in (english, korean)]
        assert found[0] == found[1], pattern
    links = [re.findall(r"\]\(([^)#]*)", read(page)) for page in (english, korean)]
    links = [[link.replace(".ko.md", ".md") for link in found] for found in links]
    assert links[0] == links[1]
    for info in ("sh", "sh cloud", "python"):
        code = [re.sub(r" *#.*", "", "".join(blocks(page, info))) for page in (english, korean)]
        assert code[0] == code[1]


def test_the_vertex_configuration_gives_good_settings():
    """Its env parses, and its base directory becomes the output, as docs/cloud.md says."""
    spec = yaml.safe_load((SPECS / "vertex-gpu.yaml").read_text("utf-8"))
    base = spec["baseOutputDirectory"]["outputUriPrefix"]
    [pool] = spec["workerPoolSpecs"]
    environ = {entry["name"]: entry["value"] for entry in pool["containerSpec"]["env"]}
    parsed = parse(
        pool["containerSpec"]["args"],
        {**environ, "AIP_MODEL_DIR": f"{base}/model/"},
        Path("/nowhere"),
    )
    assert parsed.command == "train"
    assert parsed.settings.downstream_model_dir == base


def test_the_changelog_knows_this_version():
    """The version of the code has an entry, and the image in docs/cloud.md its tag."""
    assert f"## [{job.__version__}]" in read("CHANGELOG.md")
    assert f":gpu-{job.__version__}" in read("docs/cloud.md")


def test_each_promise_names_tests_that_exist():
    """Every file of tests that docs/checkpoints.md names is there, and every test in it."""
    named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", read("docs/checkpoints.md"))
    assert len(named) > 20
    for file, test in named:
        code = (ROOT / "tests" / file).read_text("utf-8")
        assert not test or f"def {test}(" in code, f"{file}::{test}"
