"""`korean-ner completion bash|zsh`: a script that completes commands, flags and their values.

It is made of the table that the arguments are read by. References:
https://www.gnu.org/software/bash/manual/html_node/Programmable-Completion.html and
https://zsh.sourceforge.io/Doc/Release/Completion-System.html (_arguments).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from job.errors import ArgumentError
from job.launch import TARGETS
from job.program import COMMAND
from job.settings import SECRETS, About, Settings

NUMBERS = (int, float, int | None)


class NoSettings(Settings):
    """The command takes no flags."""

    takes: ClassVar[frozenset[str] | None] = frozenset()


Abouts = Mapping[str, About | None]  # command → its help; the whole program's is None

# Bash takes --flag=value for three words.
_BASH = r"""_korean_ner() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=train each
  if [ "$before" = = ]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi
  if [ "$word" = = ]; then before=${COMP_WORDS[COMP_CWORD - 1]} word=; fi
  for each in "${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
    case $each in NAMES) command=$each; break ;; esac
  done
  local words=
  case $before in
VALUES
  esac
  if [ -z "$words" ] && [[ $word == -* ]]; then
    compopt -o nospace
    case $command in
FLAGS
    esac
  elif [ "$COMP_CWORD" = 1 ]; then
    words="COMMANDS"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _korean_ner korean-ner"""
_ZSH = r"""#compdef korean-ner
_korean_ner() {
  local each command=train
  local -a flags
  for each in "${(@)words[2,CURRENT - 1]}"; do
    case $each in NAMES) command=$each; break ;; esac
  done
  case $command in
FLAGS
  esac
  _arguments $flags '1:command:(COMMANDS)' '*:file:_files'
}
compdef _korean_ner korean-ner"""


def about() -> About:
    """The help of `completion`."""
    return About(
        usage="completion SHELL",
        text=f"Prints a script with which Tab completes what follows `{COMMAND}`: commands, flags, "
        "and their values. Load it in ~/.bashrc, or below `compinit` in ~/.zshrc.",
        operands=(("SHELL", "bash or zsh"),),
        example=f"source <({COMMAND} completion bash)",
        fields={},
    )


def script(operands: Sequence[str], commands: Abouts) -> str:
    """The text to be loaded by the shell of that name. Raises ArgumentError."""
    if len(operands) != 1 or operands[0] not in SHELLS:
        received = repr(" ".join(operands)) if operands else "none"
        raise ArgumentError(f"completion needs one SHELL, bash or zsh; received {received}.")
    return SHELLS[operands[0]](commands)


def _for_bash(commands: Abouts) -> str:
    fields = {name: field for each in commands for name, field in _fields(each, commands).items()}
    values = {f"--{name}": chosen for name, field in fields.items() if (chosen := _values(field))}
    values |= _operands()
    return _filled(
        _BASH,
        commands,
        VALUES="\n".join(f'    {name}) words="{" ".join(v)}" ;;' for name, v in values.items()),
        FLAGS="\n".join(
            f'      {each}) words="{" ".join(map(_flag, _fields(each, commands).items()))}" ;;'
            for each in commands
        ),
    )


def _for_zsh(commands: Abouts) -> str:
    def specs(command: str) -> str:
        shown = (_zsh_spec(*each) for each in _fields(command, commands).items())
        operand = _operands().get(command)
        return "\n".join([*shown, *([f"'2:operand:({' '.join(operand)})'"] if operand else [])])

    cases = "\n".join(f"{each}) flags=(\n{specs(each)}\n) ;;" for each in commands)
    return _filled(_ZSH, commands, FLAGS=cases)


def _zsh_spec(name: str, field: FieldInfo) -> str:
    said = re.sub(r"([\[\]:\\])", r"\\\1", (field.description or "").split(";")[0])
    values = _values(field)
    action = f"({' '.join(values)})" if values else "_files" * (field.annotation not in NUMBERS)
    is_alone = "::" if field.annotation is bool else ":"  # its value may be left out
    spec = f"--{name}=[{said}]{is_alone}value:{action}"
    return "'" + spec.replace("'", r"'\''") + "'"


def _filled(template: str, commands: Abouts, **parts: str) -> str:
    parts |= {"NAMES": "|".join(commands), "COMMANDS": " ".join(commands)}
    return re.sub(r"\b(NAMES|COMMANDS|VALUES|FLAGS)\b", lambda found: parts[found[1]], template)


def _fields(command: str, commands: Abouts) -> Mapping[str, FieldInfo]:
    """A specification takes the arguments of the job, too."""
    about = commands[command]
    own = about.fields if about else {}
    whole = {} if about and command != "spec" else Settings.model_fields
    return {name: each for name, each in {**own, **whole}.items() if name not in SECRETS}


def _flag(item: tuple[str, FieldInfo]) -> str:
    name, field = item
    return f"--{name}" if field.annotation is bool else f"--{name}="


def _values(field: FieldInfo) -> list[str]:
    if field.annotation is bool:
        return ["true", "false"]
    kinds = [field.annotation, *get_args(field.annotation)]  # it may be a choice or None
    options = [each for kind in kinds if get_origin(kind) is Literal for each in get_args(kind)]
    return [str(each) for each in options if " " not in str(each)]


def _operands() -> dict[str, list[str]]:
    return {"spec": list(TARGETS), "completion": list(SHELLS)}


SHELLS: Mapping[str, Callable[[Abouts], str]] = {"bash": _for_bash, "zsh": _for_zsh}
