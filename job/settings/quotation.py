"""Quotation marks and comments that a shell takes off a value and docker's --env-file does not.

https://docs.docker.com/reference/cli/docker/container/run/#env
"""

import re
from collections.abc import Mapping

from job.settings.command_line import ENVIRONMENT, Given

_QUOTES = tuple("\"'`“”„‘’")
_FREE_TEXT = "display_name"  # of `spec`: a job may well be called `run #1`


def leftovers(given: Mapping[str, Given]) -> dict[str, str]:
    """Setting -> what is left in its value and what to do about it, as the end of a sentence.

    A value that begins with a quotation mark names nothing that people have, from wherever it is; a
    comment is one only in the environment: a flag's `run #1` was written so on purpose.
    """
    found = {}
    for name, each in given.items():
        if each.text.startswith(_QUOTES):
            found[name] = f"is in quotation marks{_by_docker(each)}; leave the marks out"
        elif each.source == ENVIRONMENT and re.search(r"\s#", each.text) and name != _FREE_TEXT:
            found[name] = f"ends in a comment{_by_docker(each)}; leave the comment out"
    return found


def _by_docker(each: Given) -> str:
    return ", which docker's --env-file does not take off" if each.source == ENVIRONMENT else ""
