"""The shell's completion offers what the argument reader takes, and nothing else."""

import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

from job.commands import COMMANDS, completion_text
from job.launch import TARGETS
from job.settings import SECRETS, Settings
from tests.support.arguments import parse

ASK = """{script}
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_korean_ner 2>/dev/null # compopt has nothing to set here
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def script(shell):
    return completion_text(parse(["completion", shell]))


def offered(*words):
    """What bash offers for the last word; it takes `--x=y` for three."""
    quoted = " ".join(f"'{word}'" for word in ("korean-ner", *words))
    asked = ASK.format(script=script("bash"), words=quoted)
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["pre"], ["predict"]),
        ([""], list(COMMANDS)),
        (["spec", "vertex-g"], [name for name in TARGETS if name.startswith("vertex-g")]),
        (["completion", ""], ["bash", "zsh"]),
        (["--epo"], ["--epochs="]),
        (["--fp"], ["--fp16"]),
        (["train", "--lr_scheduler", "=", "lin"], ["linear"]),
        (["train", "--lr_scheduler", "="], ["exponential", "linear", "constant"]),
        (["train", "--lr_scheduler", "lin"], ["linear"]),
        (["predict", "--epo"], []),
        (["spec", "docker", "--ima"], ["--image="]),
        (["spec", "docker", "--epo"], ["--epochs="]),
        (["predict", "sen"], []),
    ],
)
def test_bash_completes_what_the_command_takes(words, wanted):
    """Commands, their flags, and the values of flags that have a choice; else files."""
    assert offered(*words) == wanted


def test_every_argument_is_offered_but_no_secret():
    """A secret has no place on a command line, where anybody can read it."""
    flags = {flag.strip("-=") for flag in offered("train", "--")}
    assert flags == set(Settings.model_fields) - set(SECRETS)
    assert not any(secret in script("zsh").replace("hf_token_secret", "") for secret in SECRETS)


def test_zsh_is_given_the_same_flags_and_values():
    """Its script has a case for each command, with the flags that bash offers there."""
    text = script("zsh")
    for command in COMMANDS:
        _, found, rest = text.partition(f"\n{command}) flags=(\n")
        assert found
        flags = re.findall(r"^'--(\w+)=\[", rest.partition("\n) ;;")[0], re.MULTILINE)
        assert set(flags) == {flag.strip("-=") for flag in offered(command, "word", "--")}
    assert re.search(r"--lr_scheduler=\[.*:value:\(exponential linear constant\)'", text)


def test_zsh_offers_no_files_for_a_number():
    """Nor for one that may be left out."""
    for name, files in {"epochs": "", "devices": "", "downstream_model_dir": "_files"}.items():
        assert set(re.findall(rf"--{name}=\[.*:value:(.*)'", script("zsh"))) == {files}


@pytest.mark.parametrize("words", [[], ["fish"], ["bash", "zsh"]])
def test_a_shell_has_to_be_named(words, capsys, caplog):
    """With code 64."""
    from job.__main__ import main

    assert main(["completion", *words]) == 64
    assert "needs one SHELL, bash or zsh" in caplog.text


def typed(shell_words, keys, until):
    """The screen of an interactive zsh after some keys."""
    process, terminal = pty.fork()
    if process == 0:
        os.execvpe("zsh", shell_words, {**os.environ, "TERM": "dumb", "PS1": "> "})
    screen, deadline = "", time.monotonic() + 60
    try:
        os.write(terminal, keys.encode())
        while until not in screen and time.monotonic() < deadline:
            if select.select([terminal], [], [], 1)[0]:
                screen += re.sub(r"\x1b\[[0-9;?]*\w", "", os.read(terminal, 4096).decode())
    finally:
        os.kill(process, 9)
        os.waitpid(process, 0)
        os.close(terminal)
    return screen


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
@pytest.mark.parametrize(
    ("begun", "completed"),
    [
        ("korean-ner pre", "korean-ner predict"),
        ("korean-ner spec tpu", "korean-ner spec tpu-vm"),
        ("korean-ner --lr_sched", "korean-ner --lr_scheduler="),
        ("korean-ner train --lr_scheduler=lin", "--lr_scheduler=linear"),
    ],
)
def test_zsh_completes_the_same(tmp_path, begun, completed):
    """Typed into a shell that has loaded the script."""
    file = tmp_path / "completion.zsh"
    file.write_text(script("zsh"))
    load = f"autoload -U compinit; compinit -D -u; source {file}; echo load''ed\n"
    screen = typed(["zsh", "-f", "-i"], f"{load}{begun}\t", completed)
    assert completed in screen
