"""The files beside a corpus that are none of it: papers, readmes, leavings of other programs."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from unicodedata import normalize

# Read with the files of the corpus, or by the tool that wrote it.
COMPANIONS = {
    *("label_names.txt", "dataset_info.json", "dataset_infos.json", "dataset_dict.json"),
    *("state.json", "annotation.conf", "visual.conf", "tools.conf", "kb_shortcuts.conf"),
}
_LEAVINGS = re.compile(
    r"\..*|.*~|__MACOSX|__pycache__|Thumbs\.db|desktop\.ini|cache-.*\.arrow", re.I
)
_BACKUP = re.compile(r".*\.(bak|swp|tmp|orig|part|crdownload|md5|sha1|sha256|lock|log)", re.I)
_PAPER = re.compile(
    r"(read[ _-]?me|licen[cs]e|copying|changelog)([._ -].*)?|(notice|authors|citation)(\.\w+)?"
    r"|.*\.(md|rst|pdf|hwpx?|docx?|pptx?|odt|rtf|png|jpe?g|gif|svg|webp|bmp|wav|mp[34]|m4a"
    r"|py|ipynb|sh|yaml|yml|toml|cff|bib)",
    re.I,
)
_SOURCE_TEXTS, _LABELLED = ("원천데이터", "원천 데이터"), ("라벨링", "라벨데이터", "라벨 데이터")


def is_hidden(path: str) -> bool:
    """Whether it is what a system, an editor or a transfer left, which nobody needs to hear of."""
    return any(_LEAVINGS.fullmatch(part) for part in path.split("/"))


def parted(paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """The files that may be of the corpus, and those to be named as passed over: companions and
    leavings are neither."""
    shown = [path for path in paths if not is_hidden(path)]
    labelled = any(_has(path, _LABELLED) for path in shown)
    annotated = {path.removesuffix(".ann") for path in shown if path.endswith(".ann")}
    folders = {path.rpartition("/")[0] for path in annotated}

    def is_taken(path: str) -> bool:
        name = path.rpartition("/")[2]
        if _is_companion(path) or _BACKUP.fullmatch(name) or _PAPER.fullmatch(name):
            return False
        if labelled and _has(path, _SOURCE_TEXTS):
            return False
        of_brat = path.endswith(".txt") and path.rpartition("/")[0] in folders
        return not of_brat or path.removesuffix(".txt") in annotated

    taken = [path for path in shown if is_taken(path)]
    left = set(shown) - set(taken)
    return taken, [path for path in shown if path in left and not _is_companion(path)]


def _is_companion(path: str) -> bool:
    return path.rpartition("/")[2] in COMPANIONS


def _has(path: str, words: Sequence[str]) -> bool:
    return any(
        word in part for part in PurePosixPath(normalize("NFC", path)).parts for word in words
    )
