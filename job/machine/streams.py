"""Standard input, output and error as this process finds them: closed, full, or read by nobody.

What cannot be written is dropped after one try, and that stream says nothing more. Only a command
that does nothing but print ends where its reader leaves (`| head`), as SIGPIPE ends a program.
"""

import errno
import io
import os
import sys
from contextlib import suppress
from typing import BinaryIO, TextIO

from job.errors import EXIT_PIPE, ArgumentError, OutputError

Outer = TextIO | None


class ReaderGone(BaseException):
    """Nobody reads what this command prints, and it has nothing else to do."""

    exit_code = EXIT_PIPE


class Outlet:
    """A text stream that never fails: `failure` is what silenced it. None is a closed one.

    `ends_with_reader`: a reader that leaves ends the command, by ReaderGone.
    """

    def __init__(self, stream: Outer, ends_with_reader: bool = False):
        self.stream: TextIO = io.StringIO() if stream is None else stream
        self.is_closed, self.ends_with_reader = stream is None, ends_with_reader
        self.failure: OSError | ValueError | None = None
        if self.is_closed:
            self.failure = OSError(errno.EBADF, os.strerror(errno.EBADF))
        if isinstance(stream, io.TextIOWrapper):
            with suppress(ValueError):  # closed by whoever ran this process
                stream.reconfigure(errors="backslashreplace")

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)

    def isatty(self) -> bool:
        with suppress(ValueError, AttributeError):
            return self.stream.isatty()
        return False

    def write(self, text: str) -> int:
        if self.failure is None:
            try:
                self.stream.write(text)
            except BlockingIOError:  # whoever started this process reads no faster
                self._lose_unless_it_blocks()
            except (OSError, ValueError) as error:
                self._lose(error)
        return len(text)

    def flush(self) -> None:
        if self.failure is None:
            try:
                self.stream.flush()
            except BlockingIOError:
                self._lose_unless_it_blocks()
            except (OSError, ValueError) as error:
                self._lose(error)

    def _lose_unless_it_blocks(self) -> None:
        try:
            os.set_blocking(self.stream.fileno(), True)
            self.stream.flush()
        except (OSError, ValueError) as error:
            self._lose(error)

    def _lose(self, error: OSError | ValueError) -> None:
        self.failure = error
        silence(self.stream)
        if self.ends_with_reader and isinstance(error, BrokenPipeError):
            raise ReaderGone from error


def silence(stream: TextIO | BinaryIO) -> None:
    """Leads a stream to nowhere: Python would try what is left in it once more at exit."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def secure() -> None:
    """Puts outlets in the place of sys.stdout and sys.stderr, as often as it is called.

    A descriptor that is closed is opened on /dev/null: the next file would get its number, and what
    a library prints would go into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(nowhere := os.open(os.devnull, os.O_RDWR), number)
            if nowhere != number:
                os.close(nowhere)
            os.set_inheritable(number, True)
    if not isinstance(sys.stdout, Outlet):
        sys.stdout = Outlet(sys.stdout)
    if not isinstance(sys.stderr, Outlet):
        sys.stderr = Outlet(sys.stderr)
    sys.stdout.ends_with_reader = True


def outlive_reader() -> None:
    """From here on the command goes on where nobody reads what it prints."""
    if isinstance(sys.stdout, Outlet):
        sys.stdout.ends_with_reader = False


def failure_of(stream: TextIO) -> str | None:
    """The reason why nothing more goes into an outlet; None where all went well."""
    failure = getattr(stream, "failure", None)
    return None if failure is None else getattr(failure, "strerror", None) or str(failure)


def print_whole(text: str) -> None:
    """Prints what a command was asked for. Raises OutputError, or ReaderGone."""
    print(text, flush=True)
    if reason := failure_of(sys.stdout):
        raise OutputError(f"Standard output cannot be written ({reason}): choose another place.")


def binary_input() -> BinaryIO:
    """Standard input. Raises ArgumentError where it is closed."""
    if sys.stdin is None:
        raise ArgumentError("-: standard input is closed; give it a file, or name one as IN.")
    return sys.stdin.buffer


def binary_output() -> BinaryIO:
    """Standard output. Raises OutputError where it is closed."""
    if sys.stdout is None or (isinstance(sys.stdout, Outlet) and sys.stdout.is_closed):
        raise OutputError("-: standard output is closed; give it a reader, or name a file as OUT.")
    return sys.stdout.buffer
