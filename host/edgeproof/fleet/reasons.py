"""Why a board's job failed, as few words as a summary has room for, and whether it may succeed a second time."""

import enum
from collections.abc import Iterator

from edgeproof.errors import (
    AgentDiedError,
    AgentRefusedError,
    AuthenticationError,
    BoardBusyError,
    BoardPythonError,
    BoardSilentError,
    BoardUnreachableError,
    ConnectionRefusedByBoardError,
    DeadlineError,
    EdgeproofError,
    HostKeyError,
    LoginShellError,
    NoRuntimeError,
    ProfileError,
    ProtocolError,
    SigningError,
    UnknownHostKeyError,
    UsageError,
)


class Reason(enum.Enum):
    """The value is what a summary says of it."""

    REFUSED = "connection refused"
    UNREACHABLE = "not reached"
    SILENT = "no answer in time"
    CUT = "ended midway"
    BUSY = "busy with something else"
    HOST_KEY_CHANGED = "host key changed"
    HOST_KEY_UNKNOWN = "host key unknown"
    LOGIN = "login refused"
    SHELL = "login shell in the way"
    PYTHON = "no Python for the agent"
    RUNTIME = "no runtime"
    DISK_FULL = "disk full"
    SIGNATURE = "signature missing or not trusted"
    BUNDLE = "bundle does not run"
    PROTOCOL = "strange answer"
    ASKED = "cannot be done as asked"
    NOT_BEGUN = "not begun"
    FAILED = "failed"
    FAULT = "fault of edgeproof"

    @property
    def may_succeed(self) -> bool:
        """Whether the same command may succeed later though nobody does anything about it."""
        return self in _PASSING


_PASSING = {Reason.REFUSED, Reason.UNREACHABLE, Reason.SILENT, Reason.CUT, Reason.BUSY, Reason.NOT_BEGUN}
_BY_KIND = {
    "disk": Reason.DISK_FULL,
    "busy": Reason.BUSY,
    "checksum": Reason.CUT,
    "signature": Reason.SIGNATURE,
    "bundle": Reason.BUNDLE,
}
"""By the agent's own word for a refusal."""
_BY_CLASS: tuple[tuple[type[Exception], Reason], ...] = (
    (UnknownHostKeyError, Reason.HOST_KEY_UNKNOWN),
    (HostKeyError, Reason.HOST_KEY_CHANGED),
    (AuthenticationError, Reason.LOGIN),
    (LoginShellError, Reason.SHELL),
    (BoardPythonError, Reason.PYTHON),
    (NoRuntimeError, Reason.RUNTIME),
    (SigningError, Reason.SIGNATURE),
    (DeadlineError, Reason.SILENT),
    (ConnectionRefusedByBoardError, Reason.REFUSED),
    (BoardSilentError, Reason.SILENT),
    (BoardUnreachableError, Reason.UNREACHABLE),
    (BoardBusyError, Reason.BUSY),
    (AgentDiedError, Reason.CUT),
    (ProtocolError, Reason.PROTOCOL),
    (ProfileError, Reason.ASKED),
    (UsageError, Reason.ASKED),
)


def reason_of(error: BaseException) -> Reason:
    """By what lies at the bottom of an error, as far as it tells; by the error itself else."""
    chain = list(_chain(error))
    for cause in chain:
        if isinstance(cause, AgentRefusedError) and cause.kind in _BY_KIND:
            return _BY_KIND[cause.kind]
    for kind, reason in _BY_CLASS:
        if any(isinstance(cause, kind) for cause in chain):
            return reason
    return Reason.FAILED if isinstance(error, (EdgeproofError, OSError)) else Reason.FAULT


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
