"""On PYTHONPATH, it holds or breaks one rank at a function, as the variable INSIDE says.

A rank is forked off a process that no test has started, so what is done within it goes this way:
INSIDE is JSON, {"at": "module:Class.method", "rank": 1, "skip": calls, "breaks": false, "file": …}.
At its call the rank makes FILE.held and waits for FILE.go, or raises.
"""

import importlib.abc
import importlib.machinery
import json
import os
import sys
import time
from pathlib import Path


class Hook(importlib.abc.MetaPathFinder):
    """Puts the waiting function in its place when its module has been imported."""

    def __init__(self, given):
        self.given, self.calls = given, 0
        self.module, _, self.path = given["at"].partition(":")

    def find_spec(self, name, path, target=None):
        if name != self.module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        run = spec.loader.exec_module

        def run_and_replace(module):
            run(module)
            self.replace(module)

        spec.loader.exec_module = run_and_replace
        return spec

    def replace(self, module):
        *owners, name = self.path.split(".")
        owner = module
        for each in owners:
            owner = getattr(owner, each)
        act = getattr(owner, name)

        def instead(*arguments, **options):
            if self.is_meant():
                self.calls += 1
                if self.calls > self.given["skip"]:
                    self.hold()
            return act(*arguments, **options)

        setattr(owner, name, instead)

    def is_meant(self):
        import torch.distributed as dist

        return dist.is_initialized() and dist.get_rank() == self.given["rank"]

    def hold(self):
        if self.given["breaks"]:
            raise ZeroDivisionError("broken on purpose")
        held = Path(self.given["file"] + ".held")
        held.touch()
        while not held.with_suffix(".go").exists():
            time.sleep(0.01)


if os.environ.get("INSIDE"):
    sys.meta_path.insert(0, Hook(json.loads(os.environ["INSIDE"])))
