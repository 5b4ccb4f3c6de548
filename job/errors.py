"""The ways a run can end, each with its exit code (BSD sysexits, and 128 + signal number).

Every error here carries one sentence for a person: what was wrong, the value received, and the
remedy. `job.__main__` prints that sentence without a traceback and exits with `exit_code`.
"""


class JobError(Exception):
    """A failure that the user can act on. `str(error)` is the whole message.

    `meaning` is what the exit code says to people, in `--help` and in the README.
    """

    exit_code = 70
    meaning = "a fault of this program"


class ArgumentError(JobError):
    """An argument, or a combination of arguments, that cannot be used (EX_USAGE)."""

    exit_code = 64
    meaning = "an argument is wrong"


class DataError(JobError):
    """The corpus or its labels cannot be trained on (EX_DATAERR)."""

    exit_code = 65
    meaning = "the corpus or its labels cannot be used"


class UnavailableError(JobError):
    """A hub, server, device or machine that the run needs did not answer (EX_UNAVAILABLE)."""

    exit_code = 69
    meaning = (
        "a hub, server, device or machine did not answer, or memory, files or processes ran out"
    )


class OutputError(JobError):
    """The output cannot be written: read-only, full, or not a directory (EX_CANTCREAT)."""

    exit_code = 73
    meaning = "the output cannot be written"


class StorageError(JobError):
    """A storage fault that outlived its retries (EX_IOERR)."""

    exit_code = 74
    meaning = "a storage fault that outlived its retries"


class PermissionDeniedError(JobError):
    """Credentials are missing, expired, or lack a permission (EX_NOPERM)."""

    exit_code = 77
    meaning = "a permission is missing"


class IncompatibleError(JobError):
    """A checkpoint or configuration that does not fit this run (EX_CONFIG)."""

    exit_code = 78
    meaning = "a checkpoint or configuration does not fit this run"


EXIT_INTERNAL = JobError.exit_code
EXIT_HANGUP = 129
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141
EXIT_TERMINATED = 143

_ERRORS = (
    *(ArgumentError, DataError, UnavailableError, JobError, OutputError),
    *(StorageError, PermissionDeniedError, IncompatibleError),
)
# Exit code → what it says, in order.
EXIT_CODES = {
    0: "done, or it had been done before",
    **{kind.exit_code: kind.meaning for kind in _ERRORS},
    EXIT_HANGUP: "the terminal went away; stopped after saving",
    EXIT_INTERRUPTED: "interrupted from the keyboard",
    EXIT_PIPE: "the reader of the output left early, as `head` does",
    EXIT_TERMINATED: "stopped by SIGTERM, after saving",
}
