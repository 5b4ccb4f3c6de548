"""The order of the packages: each imports what stands before it, and only names on its list."""

import ast
import re
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
JOB = ROOT / "job"
FILES = sorted(JOB.rglob("*.py"))
FOLDERS = sorted({file.parent for file in FILES} - {JOB})

# A package or a module of the hall may import those before it. Modules of one line stand side by
# side, and may import each other without a circle.
ORDER = """
__init__ sample errors figures program
machine
signals sentence ranks seed
storage
log progress_line
cloud
settings
corpus
encoding
batches
model
evaluation
checkpoints
devices
export
training
launch
spec completion predict convert evaluate check train
api
command_help
telling
ranked
commands
__main__
""".strip().split("\n")
FLOOR = {name: floor for floor, names in enumerate(ORDER) for name in names.split()}
WITHOUT_TORCH = ["spec", "settings", "cloud", "log", "corpus", "storage", "launch", "convert"]


def module_of(file: Path) -> str:
    """job/corpus/load.py → job.corpus.load"""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """The package, or the module of the hall: job.corpus.load → corpus."""
    return module.split(".")[1] if "." in module else "__init__"


MODULES = {module_of(file): file for file in FILES}


@cache
def imports(file: Path) -> list[tuple[str, str]]:
    """What a file imports of the job, also inside functions: (module, name); the name may be ''."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names if alias.name.startswith("job.")]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "job":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.append((inner, "") if inner in MODULES else (node.module, alias.name))
    return found


@cache
def face_of(package: str) -> dict[str, str]:
    """The names that a package hands on, each with the module that has it."""
    stub = (JOB / package / "__init__.pyi").read_text()
    return {
        alias.name: f"job.{package}" + (f".{node.module}" if node.module else "")
        for node in ast.walk(ast.parse(stub))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def modules_needed(file: Path) -> set[str]:
    """The modules whose code runs before the file's: through a face, the one behind the name."""
    needed = set()
    for module, name in imports(file):
        package = room_of(module)
        if module == f"job.{package}" and (JOB / package).is_dir() and name:
            behind = face_of(package)[name]
            inner = f"{behind}.{name}"
            needed.add(inner if inner in MODULES else behind)
        elif not (JOB / package).is_dir() or module != f"job.{package}":
            needed.add(module)
    return needed


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_a_package_imports_what_stands_before_it(file):
    """Its own modules, too; of another package only the names on its face."""
    own = room_of(module_of(file))
    assert own in FLOOR, "a new package needs its place in ORDER"
    for module, name in imports(file):
        other = room_of(module)
        if other == own or other in ("__init__", "sample"):
            continue
        assert FLOOR[other] <= FLOOR[own], f"{module} stands above"
        if (JOB / other).is_dir():
            face = face_of(other)
            if module == f"job.{other}":
                assert not name or name in face, f"{other} does not hand on {name}"
            else:
                assert module.count(".") == 2, f"{module} is inside of {other}"
                assert face.get(module.split(".")[2]) == f"job.{other}", f"{module} is inside"


def test_no_circle():
    """No module needs itself, however many others lie between."""
    done, trail = set(), []

    def visit(module: str) -> None:
        assert module not in trail, " → ".join([*trail[trail.index(module) :], module])
        if module in done or module not in MODULES:
            return
        trail.append(module)
        for needed in sorted(modules_needed(MODULES[module])):
            visit(needed)
        done.add(trail.pop())

    for module in MODULES:
        visit(module)
    assert len(done) == len(MODULES)


def test_a_face_lists_what_others_use():
    """A name that nobody outside of the package asks for is no part of its face, but for that of
    `api`, which is for other programs."""
    used = {
        (room_of(module), name or module.split(".")[-1])
        for file in [*FILES, *(ROOT / "bench").glob("*.py"), *(ROOT / "docker").glob("*.py")]
        for module, name in imports(file)
        if room_of(module) != room_of(module_of(file))
    }
    for package in (folder.name for folder in FOLDERS if (folder / "__init__.pyi").exists()):
        through_module = {
            node.attr
            for file in FILES
            if (f"job.{package}", "") in imports(file)
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == package
        }
        idle = {name for name in face_of(package) if (package, name) not in used} - through_module
        assert not idle or package == "api", package


@pytest.mark.parametrize("package", WITHOUT_TORCH)
def test_arguments_and_corpus_need_no_torch(package):
    """No module that a wrong argument or a bad corpus passes through imports torch."""
    queue = [m for m in MODULES if room_of(m) == package]
    seen: set[str] = set()
    while queue:
        module = queue.pop()
        if module in seen or module not in MODULES:
            continue
        seen.add(module)
        outside = {
            (node.names[0].name if isinstance(node, ast.Import) else node.module or "")
            for node in ast.walk(ast.parse(MODULES[module].read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        packages = {name.split(".")[0] for name in outside}
        assert not packages & {"torch", "transformers", "pytorch_lightning"}, module
        queue += modules_needed(MODULES[module])


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_a_file_is_one_stage(file):
    """No file is longer than 260 lines, no function longer than 50."""
    text = file.read_text()
    assert text.count("\n") <= 260
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 50, node.name


@pytest.mark.parametrize("folder", FOLDERS, ids=module_of)
def test_a_folder_is_seen_at_a_glance(folder):
    """It holds at most twelve modules, and says what it is for."""
    assert len([file for file in folder.glob("*.py") if file.stem != "__init__"]) <= 12
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    assert said, "what is this folder for, and how does one add to it?"
    assert said.endswith(".")


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_a_module_is_named_by_its_docstring(file):
    """It opens with the thing, not with a question word, so the tree of files reads as a list."""
    said = ast.get_docstring(ast.parse(file.read_text())) or ""
    assert not re.match(r"(What|Which|Whether|Where|How)\b", said)


@pytest.mark.parametrize("file", sorted((ROOT / "tests").rglob("*.py")), ids=module_of)
def test_a_test_file_is_read_at_once(file):
    """At most 400 lines."""
    assert file.read_text().count("\n") <= 400


def test_a_test_states_its_claim():
    """At least 95 of 100 tests have a docstring, which says what would be false if it failed."""
    tests = [
        node
        for file in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    silent = [node.name for node in tests if not ast.get_docstring(node)]
    assert len(tests) > 1000
    assert len(silent) <= 0.05 * len(tests), silent


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_the_environment_is_read_in_one_place(file):
    """__main__, its commands and the main of a rank hand os.environ over; settings has a default in
    it; one sets a library's; one says why no GPU is seen; a guest puts it back."""
    allowed = {"job.__main__", "job.commands", "job.settings.corpus_settings", "job.storage.gcs"}
    allowed |= {"job.api.guest", "job.ranked", "job.telling", "job.devices.elastic.rank"}
    allowed.add("job.devices.present")
    if module_of(file) not in allowed:
        assert "environ" not in {
            node.attr
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Attribute)
        }


# Where the module is called otherwise than what it is installed as.
INSTALLED_AS = {
    "lightning_fabric": "pytorch-lightning",
    "dotenv": "python-dotenv",
    "yaml": "pyyaml",
}


def test_what_is_imported_is_declared():
    """Each library that the job imports is a dependency of its own, not of a dependency alone; and
    each dependency is imported, but gcsfs, which fsspec loads by its name."""
    outside = {
        name
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
        )
        if name.split(".")[0] not in {*sys.stdlib_module_names, "job", "torch_xla"}
    }
    # google.auth.transport is of google-auth, google.cloud.storage of google-cloud-storage.
    heads = {
        ".".join(name.split(".")[: 3 if name.startswith("google.cloud") else 2])
        if name.startswith(("google.", "arro3."))
        else name.split(".")[0]
        for name in outside
    }
    imported = {INSTALLED_AS.get(head, re.sub(r"[._]", "-", head)) for head in heads}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.match(r"[\w-]+", each)[0] for each in project["dependencies"]}
    assert imported | {"gcsfs"} == declared


def test_no_test_imports_the_fixtures_of_the_stores():
    """Imported a second time, they start a second bucket, and clients know the first one only."""
    importing = "from tests.support.stores " + "import"
    files = [f for f in (ROOT / "tests").rglob("*.py") if importing in f.read_text("utf-8")]
    assert not files
