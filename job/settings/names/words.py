"""The words of a command line, judged: its command, what follows it, and flags of another one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from job.figures import counted
from job.settings.command_line import Words
from job.settings.field_types import judge_file, judge_files, said_in
from job.settings.names.foreign import in_our_words
from job.settings.names.spelling import closest_flag
from job.settings.settings import Settings
from job.storage import masked

# Command → the settings that it takes, the first where none is named.
SettingsClasses = Mapping[str, type[Settings]]
ANSWERS = ("help", "version", "completion")  # whatever else is said


@dataclass(frozen=True)
class Asked:
    """The command, what may follow it, and what does."""

    command: str
    operands: list[str]
    settings_class: type[Settings]
    operand: str  # the field that the word after the command stands for, or ''
    choices: Mapping[str, object]

    @property
    def chosen(self) -> str:
        """The word after the command, where it is a good one, or ''."""
        word = self.operands[0] if self.operands else ""
        return word if word in self.choices else ""

    @property
    def has_unknown_word(self) -> bool:
        """Whether the one word after the command is none of the choices for it."""
        return bool(self.operand) and len(self.operands) == 1 and not self.chosen


def judge_command(asked: Asked, settings_classes: SettingsClasses, words: Words) -> list[str]:
    command, operands = asked.command, asked.operands
    if command not in settings_classes:
        *others, last = settings_classes
        guess = closest_flag(command, {*settings_classes, *ANSWERS})
        known = f"the commands are {', '.join(others)} and {last}."
        hint = f"is {guess!r} meant?" if guess else known
        return [f"{command!r}: unknown command; {hint}"]
    if words.has_unknown_flag:
        return []  # a word may be the value of that flag
    if command in JUDGES:
        return JUDGES[command](command, operands)
    if asked.operand:
        return _judge_operand(asked)
    if operands:
        return [f"{operands[0]!r}: {command} takes flags only; see --help."]
    return []


def _judge_in_and_out(command: str, operands: Sequence[str]) -> list[str]:
    if len(operands) != 2:
        words = counted(len(operands), "word")
        return [f"{command} needs IN and OUT; received {words}; see --help."]
    return judge_files(command, *operands)


def _judge_many(command: str, operands: Sequence[str]) -> list[str]:
    if not operands or "" in operands:
        received = "an empty name" if operands else "none"
        return [f"{command} needs FILES, one or more; received {received}; see --help."]
    mistakes = [said for file in operands for said in judge_file(command, "FILES", file)]
    twice = [file for file in dict.fromkeys(operands) if operands.count(file) > 1]
    return mistakes + [
        f"{command}: FILES = {masked(file)!r} is named twice; its sentences would count twice."
        for file in twice
    ]


# The commands that take files, each with the judge of their places.
JUDGES = {"predict": _judge_in_and_out, "convert": _judge_in_and_out, "evaluate": _judge_many}


def _judge_operand(asked: Asked) -> list[str]:
    if len(asked.operands) == 1 and asked.chosen:
        return []
    if asked.has_unknown_word:
        word = asked.operands[0]
        begun = [choice for choice in asked.choices if choice.startswith(word)]
        if len(begun) < 2 and (guess := closest_flag(word, asked.choices)):
            return [f"{word!r}: unknown {asked.operand}; is {guess} meant?"]
    received = repr(" ".join(asked.operands)) if asked.operands else "none"
    known = ", ".join(asked.choices)
    return [f"{asked.command} needs one {asked.operand} of {known}; received {received}."]


def judge_flags(asked: Asked, words: Words, settings_classes: SettingsClasses) -> list[str]:
    """Flags that do nothing here: those of another command, or of one target for another."""
    mistakes = []
    for name, each in words.given.items():
        if name not in asked.settings_class.taken():
            *more, last = [f"`{c}`" for c, its in settings_classes.items() if name in its.taken()]
            known = " and ".join([", ".join(more), last] if more else [last])
            if ours := in_our_words(name, "--"):
                mistakes.append(f"{each.source[5:]}: unknown flag; {ours}")
                continue
            mistakes.append(f"{each.source[5:]} is for {known} only; leave it out.")
        elif asked.chosen and asked.chosen not in (targets := takers(name, asked)):
            mistakes.append(f"{each.source[5:]} is for {', '.join(targets)} only; leave it out.")
    return mistakes


def takers(name: str, asked: Asked) -> Sequence[str]:
    """The operands that take the argument `name`."""
    return said_in(asked.settings_class.model_fields[name]).get("only_for") or tuple(asked.choices)
