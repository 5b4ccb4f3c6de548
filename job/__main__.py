"""The commands: python -m job [train] | check | predict | evaluate | convert | spec | completion.

Heavy imports wait until the arguments are known to be good: a mistake is told in a second. Signals
are heard from the first lines on, before anything else is imported.
"""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    # `python -m` looks into the current folder first: a torch.py or random.py there is nobody's
    # library. Python has found this package already.
    sys.path.append(sys.path.pop(0))

import os

from job.machine import is_json_asked
from job.signals import Stopped, StopRequest, follows_from_stop

if __name__ == "__main__":
    stop_request = StopRequest(as_json=is_json_asked(os.environ))
    stop_request.install()

import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from job import __version__
from job.cloud import read_vertex, require_one_machine
from job.errors import ArgumentError, JobError, OutputError
from job.machine import (
    let_warnings_warn,
    networks,
    raise_file_limit,
    require_docstrings,
    require_temporary_folder,
    require_utf8,
    share_out_threads,
    streams,
    take_out_launchers,
    tell_libraries,
)
from job.program import program
from job.telling import set_up_log, told

if TYPE_CHECKING:
    from job.commands import Command
    from job.log import LogHandler
    from job.settings import Parsed

logger = logging.getLogger("job")


def main(argv: list[str], stop: StopRequest | None = None) -> int:
    """Runs one command and returns the exit code. `stop`: one that hears already."""
    streams.secure()
    stop = stop or StopRequest(as_json=is_json_asked(os.environ))
    stop.install()
    tell_libraries(os.environ)
    ignored = take_out_launchers(os.environ)
    try:
        try:
            set_up_early_log(stop)
            code = run(argv, stop, ignored)
        except streams.ReaderGone as gone:
            code = gone.exit_code
        except Stopped as stopped:
            logger.warning("%s.", stopped)
            raise
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # Rust's panics are no Exception
            code = told(error)
        stop.leave_from_here()
        return code
    except Stopped as stopped:  # or a second one, by a second Ctrl-C
        stop.leave_from_here()
        return stopped.exit_code


def run(argv: list[str], stop: StopRequest, ignored: list[str]) -> int:
    """Reads the arguments and does what was asked. `ignored` are variables that were meant for
    Lightning."""
    from job.commands import CHOICES, COMMANDS, SETTINGS_CLASSES
    from job.settings import help_text, parse, settings_table

    try:
        require_docstrings()
        parsed = parse(argv, os.environ, Path.cwd(), SETTINGS_CLASSES, CHOICES)
    except ArgumentError as error:
        return refuse(error, argv)
    if parsed.command == "help":
        asked = [COMMANDS[word].help for word in parsed.operands if word in COMMANDS]
        return tell(asked[0] if asked else help_text())
    if parsed.command == "version":
        return tell(f"korean-ner-job {__version__}")
    if parsed.print_settings:
        return tell(settings_table(parsed.settings, parsed.sources))
    command = COMMANDS[parsed.command]
    return tell(command.text(parsed)) if command.text else carry_out(command, parsed, stop, ignored)


def refuse(error: ArgumentError, argv: list[str]) -> int:
    """Says what is wrong with the arguments, and where they are listed: most commands have a help
    of their own."""
    from job.commands import COMMANDS

    listed = f"`{program()} --help` lists every argument."
    command = next((word for word in argv if word in COMMANDS), "train")
    if COMMANDS[command].about:
        listed = f"`{program()} {command} --help` lists its arguments."
    advice = f"Nothing was started. {listed}"
    if is_json_asked(os.environ):
        logger.error("%s\n%s", error, advice)
    else:
        print(error, advice, sep="\n", file=sys.stderr)
    return error.exit_code


def carry_out(command: "Command", parsed: "Parsed", stop: StopRequest, ignored: list[str]) -> int:
    """Sets up the log and what lies around a command, and runs it."""
    from job.commands import with_secrets

    handler = set_up_log(parsed, stop)
    if ignored:
        logger.warning("%s: ignored; use the job's own arguments instead.", ", ".join(ignored))
    raise_file_limit()
    share_out_threads(os.environ, parsed.settings.cpu_workers)
    networks.prepare(os.environ)
    from job.storage import RetryPolicy, set_retry_policy

    settings = parsed.settings
    set_retry_policy(RetryPolicy(settings.storage_timeout_s, settings.storage_deadline_s))
    try:
        require_temporary_folder()
        if settings.hf_token_secret and not settings.hf_token:
            parsed = with_secrets(parsed)
            handler = set_up_log(parsed, stop)  # which now knows what not to show
        return run_command(command, parsed, stop, handler)
    except (Stopped, streams.ReaderGone, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        return told(error, settings.sizes)


def run_command(
    command: "Command", parsed: "Parsed", stop: StopRequest, handler: "LogHandler"
) -> int:
    """Does what was asked. What a library made of a stop is told as the stop; one of the job's own
    errors says why there was one, as where another machine has failed."""
    try:
        if command.needs_one_machine:
            require_one_machine(read_vertex(os.environ), f"`{command.name}`")
        assert command.run, "a command without a text has something to do"
        return command.run(parsed, stop, handler)
    except Exception as error:
        if follows_from_stop(error) and not isinstance(error, JobError):
            stop.raise_if_received()
        stop.leave_from_here()
        raise


def set_up_early_log(stop: StopRequest) -> None:
    """Before the arguments are known: a mistake in them has a severity, too."""
    from job.log import set_up_logging

    if is_json_asked(os.environ):
        stop.tell = set_up_logging("json", sys.stdout, is_terminal=False).warn_past_locks


def tell(text: str) -> int:
    """Prints what was asked for."""
    try:
        streams.print_whole(text)
    except OutputError as error:
        logger.error("%s", error)
        return error.exit_code
    return 0


def leave(code: int) -> None:
    """Ends the process. After a failure what was begun cannot be taken apart: machines would wait
    for those that are gone, and threads for those that could not be started."""
    if code:
        logging.shutdown()
        with suppress(OSError, ValueError):  # nobody listens any more
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    require_utf8(os.environ)
    let_warnings_warn(os.environ)
    leave(main(sys.argv[1:], stop_request))
