"""The ways a run can end, each with its exit code (BSD sysexits, and 128 + signal number).

Every error here carries one sentence for a person: what was wrong, the value received, and the
remedy. `job.__main__` prints that sentence without a traceback and exits with `exit_code`.
"""


class JobError(Exception):
    """A failure that the user can act on. `str(error)` is the whole message."""

    exit_code = 70


class ArgumentError(JobError):
    """An argument, or a combination of arguments, that cannot be used (EX_USAGE)."""

    exit_code = 64


class DataError(JobError):
    """The corpus or its labels cannot be trained on (EX_DATAERR)."""

    exit_code = 65


class UnavailableError(JobError):
    """A hub, server, device or machine that the run needs did not answer (EX_UNAVAILABLE)."""

    exit_code = 69


class OutputError(JobError):
    """The output cannot be written: read-only, full, or not a directory (EX_CANTCREAT)."""

    exit_code = 73


class StorageError(JobError):
    """A storage fault that outlived its retries (EX_IOERR)."""

    exit_code = 74


class PermissionDeniedError(JobError):
    """Credentials are missing, expired, or lack a permission (EX_NOPERM)."""

    exit_code = 77


class IncompatibleError(JobError):
    """A checkpoint or configuration that does not fit this run (EX_CONFIG)."""

    exit_code = 78


EXIT_INTERNAL = 70
EXIT_HANGUP = 129
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141
EXIT_TERMINATED = 143
