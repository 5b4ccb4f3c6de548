"""Runs the steps of a cloudbuild.yaml with a local docker, as Cloud Build runs them on its workers.

https://cloud.google.com/build/docs/build-config-file-schema. Understood: name, entrypoint, args,
script, env, dir, id, waitFor, timeout, allowFailure, allowExitCodes; images are looked for at the
end, not pushed. The builders for docker and container-structure-test are the programs of this
machine or environment; another builder is an image that docker runs. Substitutions are checked as
Cloud Build does
(https://cloud.google.com/build/docs/configuring-builds/substitute-variable-values): the user's
own start with `_`, each is used, and none is undefined, unless `substitutionOption: ALLOW_LOOSE`.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DOCKER_BUILDER = "gcr.io/cloud-builders/docker"
STRUCTURE_BUILDER = "gcr.io/gcp-runtimes/container-structure-test"
# Of a build whose source is submitted: only a trigger knows a repository and its commit.
BUILT_IN = {
    "PROJECT_ID": "test-project",
    "PROJECT_NUMBER": "123456789012",
    "BUILD_ID": "00000000-0000-0000-0000-000000000000",
    "LOCATION": "global",
    "COMMIT_SHA": "",
    "SHORT_SHA": "",
    "REVISION_ID": "",
    "REPO_NAME": "",
    "BRANCH_NAME": "",
    "TAG_NAME": "",
    "TRIGGER_NAME": "",
}
_REFERENCE = re.compile(r"\$\$|\$\{([A-Z_][A-Z0-9_]*)\}|\$([A-Z_][A-Z0-9_]*)")


class BuildError(Exception):
    """The build file would be refused, or a step of it failed."""


@dataclass(frozen=True)
class StepResult:
    """One step that was run. `output` is stdout and stderr together."""

    id: str
    exit_code: int
    seconds: float
    output: str


def substitute(build: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """The build with every substitution in its place. Raises BuildError where one is wrong."""
    declared = {name: str(value) for name, value in (build.get("substitutions") or {}).items()}
    own = {**declared, **given}
    if wrong := sorted(name for name in own if not re.fullmatch(r"_[A-Z0-9_]+", name)):
        raise BuildError(f"a user's substitution starts with '_' and is in capitals: {wrong}")
    is_strict = (build.get("options") or {}).get("substitutionOption") != "ALLOW_LOOSE"
    used: set[str] = set()

    def replace(match: re.Match) -> str:
        name = match[1] or match[2]
        if name is None:
            return "$"
        if name in own:
            used.add(name)
            return replace_all(own[name]) if _is_dynamic(build) else own[name]
        if name in BUILT_IN:
            return BUILT_IN[name]
        if is_strict:
            raise BuildError(f"${name} is not a valid built-in substitution, nor is it declared")
        return ""

    def replace_all(value: Any) -> Any:
        if isinstance(value, str):
            return _REFERENCE.sub(replace, value)
        if isinstance(value, list):
            return [replace_all(each) for each in value]
        if isinstance(value, dict):  # a script is left as it is: it reads its environment
            return {k: each if k == "script" else replace_all(each) for k, each in value.items()}
        return value

    # Cloud Build looks at everything but the declarations themselves.
    whole = {key: replace_all(value) for key, value in build.items() if key != "substitutions"}
    if is_strict and (unused := sorted(set(own) - used)):
        raise BuildError(f"declared or given, but used nowhere: {unused}")
    return whole


def _is_dynamic(build: Mapping[str, Any]) -> bool:
    return bool((build.get("options") or {}).get("dynamicSubstitutions"))


def run_build(
    path: Path,
    source: Path,
    substitutions: Mapping[str, str],
    docker: str = "docker",
    only: set[str] | None = None,
) -> list[StepResult]:
    """Runs the steps in their order (`waitFor`), in `source` as /workspace.

    `only`: the ids of the steps to run; the others count as done. Raises BuildError when one fails,
    with the end of its output.
    """
    build = substitute(yaml.safe_load(path.read_text("utf-8")), substitutions)
    # In full: a wrapper of this name stands before it in the path of the scripts.
    docker = shutil.which(docker) or docker
    runner = _Runner(build, source.resolve(), docker, only)
    results = runner.run()
    if runner.failed:
        raise BuildError("\n".join(runner.failed))
    for image in (build.get("images") or []) if only is None else []:
        if subprocess.run([docker, "image", "inspect", image], capture_output=True).returncode:
            raise BuildError(f"images: {image} was not built")
    return results


class _Runner:
    def __init__(
        self, build: Mapping[str, Any], source: Path, docker: str, only: set[str] | None
    ) -> None:
        self.steps, self.source, self.docker = build["steps"], source, docker
        self.options = build.get("options") or {}
        self.ids = [step.get("id", str(number)) for number, step in enumerate(self.steps)]
        self.only = set(self.ids) if only is None else only
        if unknown := self.only - set(self.ids):
            raise BuildError(f"no such steps: {sorted(unknown)}")
        self.done = [threading.Event() for _ in self.steps]
        self.results: dict[int, StepResult] = {}
        self.failed: list[str] = []

    def run(self) -> list[StepResult]:
        threads = [threading.Thread(target=self._step, args=(n,)) for n in range(len(self.steps))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [self.results[number] for number in sorted(self.results)]

    def _step(self, number: int) -> None:
        step, name = self.steps[number], self.ids[number]
        try:
            for earlier in self._awaited(number):
                self.done[earlier].wait()
            if self.failed or name not in self.only:
                return
            result = self._execute(step, name)
            self.results[number] = result
            allowed = {str(code) for code in step.get("allowExitCodes", [])}
            is_allowed = step.get("allowFailure") or str(result.exit_code) in allowed
            if result.exit_code and not is_allowed:
                end = "\n".join(result.output.splitlines()[-40:])
                self.failed.append(f"step {name} ended with {result.exit_code}:\n{end}")
        except (OSError, BuildError, ValueError) as error:
            self.failed.append(f"step {name}: {error}")
        finally:
            self.done[number].set()

    def _awaited(self, number: int) -> list[int]:
        named = self.steps[number].get("waitFor")
        if not named:
            return list(range(number))
        return [self.ids.index(name) for name in named if name != "-"]

    def _execute(self, step: Mapping[str, Any], name: str) -> StepResult:
        started_at = time.monotonic()
        entries = [*(self.options.get("env") or []), *(step.get("env") or [])]
        env = dict(entry.split("=", 1) for entry in entries)
        with tempfile.TemporaryDirectory() as tools:
            # Scripts say `docker`, and Cloud Build has the source in /workspace.
            wrapper = Path(tools, "docker")
            wrapper.write_text(
                f"#!/bin/bash\nexec {shlex.quote(self.docker)} "
                f'"${{@//\\/workspace:/{self.source}:}}"\n'
            )
            wrapper.chmod(0o755)
            try:
                done = subprocess.run(
                    self._command(step, env),
                    cwd=self.source / step.get("dir", ""),
                    env={**os.environ, **env, "PATH": f"{tools}:{os.environ['PATH']}"},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    timeout=_seconds(step.get("timeout", "600s")),
                    text=True,
                    errors="replace",
                )
            except subprocess.TimeoutExpired as error:
                output = f"{error.stdout!r}\nran past its timeout of {error.timeout} s"
                return StepResult(name, 124, time.monotonic() - started_at, output)
        return StepResult(name, done.returncode, time.monotonic() - started_at, done.stdout)

    def _command(self, step: Mapping[str, Any], env: Mapping[str, str]) -> list[str]:
        builder, rest = step["name"], [str(word) for word in step.get("args", [])]
        if "script" in step:
            first = step["script"].partition("\n")[0]
            shell = shlex.split(first[2:]) if first.startswith("#!") else ["/bin/bash", "-e"]
            rest = [*shell[1:], "-c", step["script"]]
        program = shell[0] if "script" in step else step.get("entrypoint")
        if builder == DOCKER_BUILDER:
            return [program or "docker", *rest]
        if builder == STRUCTURE_BUILDER:
            return [str(Path(sys.executable).with_name("container-structure-test")), *rest]
        command = ["docker", "run", "--rm", "--volume", "/workspace:/workspace"]
        command += ["--workdir", str(Path("/workspace", step.get("dir", "")))]
        command += [f"--env={name}={value}" for name, value in env.items()]
        command += [f"--entrypoint={program}"] if program else []
        return [*command, builder, *rest]


def _seconds(duration: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?s", str(duration)):
        raise BuildError(f"{duration!r} is no duration such as 600s")
    return float(str(duration).rstrip("s"))
