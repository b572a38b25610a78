"""How a command starts on the board: what the login shell's start-up files cost, and what they print."""

import time
from dataclasses import dataclass

from edgeproof.board.doctor.finding import Finding, bad, good, warning
from edgeproof.board.link.deadline import Deadline
from edgeproof.board.link.transport import Transport
from edgeproof.errors import LoginShellError

_START_SECONDS = 30.0
_SLOW_SECONDS = 1.0
_MOST_BYTES = 4096
_BASH_LINE = "  [[ $- == *i* ]] || return        (csh: if (! $?prompt) exit)"


@dataclass(frozen=True)
class Login:
    start_seconds: float
    """From asking for a command that does nothing to its end: the start-up files, and a few round trips."""
    noise: str
    """What the start-up files print to standard output."""


def try_login(transport: Transport) -> Login:
    """Starts a command that does nothing. Raises `LoginShellError` when something else runs there."""
    deadline = Deadline(_START_SECONDS, f"{transport.name} to start a command")
    start = time.monotonic()
    channel = transport.open("exit 0")
    try:
        while channel.receive(_MOST_BYTES, deadline):
            pass
    finally:
        channel.close()
    return Login(time.monotonic() - start, channel.noise)


def login_finding(login: Login) -> Finding:
    data = {"start_seconds": login.start_seconds}
    value = f"a command starts in {1000 * login.start_seconds:.0f} ms"
    if login.noise:
        return warning(
            "login",
            f"{value}; a login file prints: {login.noise}",
            "edgeproof passes over it; scp and rsync do not. Let it print only where somebody types: begin ~/.bashrc "
            f"with\n{_BASH_LINE}",
            **data,
        )
    if login.start_seconds > _SLOW_SECONDS:
        return warning(
            "login",
            value,
            "The login shell's start-up files (~/.bashrc) take long at every connection: begin them with\n"
            f"{_BASH_LINE}",
            **data,
        )
    return good("login", value, **data)


def no_login(error: LoginShellError) -> Finding:
    """No command runs there at all."""
    what, _, remedy = str(error).partition("\n")
    return bad("login", what, remedy)


def sessions_finding(transport: Transport) -> Finding:
    """Whether a second command runs on the connection on which one runs already."""
    before = transport.connections
    try_login(transport)
    if transport.connections == before:
        return good("sessions", "several on one connection", several=True)
    return warning(
        "sessions",
        "one at a time on a connection: a connection of its own is opened for each, which takes longer",
        "MaxSessions 1 in the board's /etc/ssh/sshd_config does so: set it to 10, and sudo systemctl reload ssh",
        several=False,
    )
