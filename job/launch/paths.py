"""Folders, URLs and secrets that `spec` must not write into a specification.

A machine in the cloud sees none of this one's folders, and a specification is read by many.
"""

import re
from pathlib import Path

from job.storage import has_password, has_query

PLACES = (
    *("downstream_model_dir", "downstream_corpus", "downstream_corpus_root_dir"),
    *("pretrained_model_name", "resume"),
)
_WORDS = {"resume": ("auto", "never"), "pretrained_model_name": ("sample",)}
_OPENED = ("gs", "gcs", "http", "https", "hf")  # by what the image holds


def is_folder(name: str, place: str) -> bool:
    """Whether the value of an argument is a folder of this machine, and no URL or hub id."""
    if "://" in place:
        return place.startswith(("file://", "local://"))
    if name != "pretrained_model_name":
        return True
    is_path = place.startswith(("/", ".", "~")) or place.count("/") > 1
    return place not in _WORDS[name] and (is_path or Path(place).is_dir())


def refuse_in_cloud(name: str, place: str) -> str | None:
    """The remedy where `place`, the value of the argument `name`, cannot be; else None."""
    if not place or place in _WORDS.get(name, ()):
        return None
    if refused := _refuse_anywhere(name, place):
        return refused
    if name == "downstream_model_dir" and not place.startswith("gs://"):
        return "the machine is deleted with all that it wrote; set it to gs://BUCKET/FOLDER"
    if is_folder(name, place):
        return f"a machine in the cloud has no such {_kind(name)}; copy it into a bucket"
    if "://" in place and place.split("://")[0].lower() not in _OPENED:
        return "the image cannot open it; copy it into a bucket, gs://BUCKET/FOLDER"
    return None


def _kind(name: str) -> str:
    return "file or folder" if name == "downstream_corpus" else "folder"


def refuse_mount(name: str, place: str) -> str | None:
    """The same for a container on this machine, where docker mounts the folders."""
    if not place or place in _WORDS.get(name, ()):
        return None
    if refused := _refuse_anywhere(name, place):
        return refused
    if name == "downstream_model_dir" and re.match("(?i)https?:", place):
        return "a web server takes no output; use a folder or gs://BUCKET/FOLDER"
    if not is_folder(name, place):
        return None
    if "," in place or '"' in place:
        return (
            f"docker's --mount takes no comma and no quote; rename the {_kind(name)}, or link to it"
        )
    if re.match(r"(file://)?~[^/]", place):
        return "another user's home is not known here; write the path out"
    return None


def _refuse_anywhere(name: str, place: str) -> str | None:
    if has_password(place):
        return "a specification would show the password in it; use a bucket"
    if has_query(place):
        return "a specification would show all that follows the path, secrets too; use a bucket"
    if place.startswith("memory:"):
        return "what is in memory ends with its process; use a folder or a bucket"
    if name == "resume" and is_folder(name, place):
        return (
            "the container has no such folder; copy it into a bucket, or leave RESUME out, which "
            "goes on from the newest checkpoint in DOWNSTREAM_MODEL_DIR"
        )
    return None
