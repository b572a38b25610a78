"""How a command starts on the board: what the login shell's start-up files cost, and what they print."""

import time
from dataclasses import dataclass

from edgeproof.board.doctor.finding import Finding, bad, good, warning
from edgeproof.board.link.deadline import Deadline
from edgeproof.board.link.transport import Transport
from edgeproof.wording.printable import printable_line

_START_SECONDS = 30.0
_SLOW_SECONDS = 1.0
_MAX_NOISE_BYTES = 4096


@dataclass(frozen=True)
class Login:
    start_seconds: float
    """From asking for a command that does nothing to its end: the start-up files, and a few round trips."""
    noise: str
    """What the start-up files print to standard output, where a protocol is to be spoken."""


def try_login(transport: Transport) -> Login:
    """Starts a command that does nothing."""
    deadline = Deadline(_START_SECONDS, f"{transport.name} to start a command")
    start = time.monotonic()
    channel = transport.open("exit 0")
    try:
        noise = b""
        while len(noise) < _MAX_NOISE_BYTES and (data := channel.receive(_MAX_NOISE_BYTES, deadline)):
            noise += data
    finally:
        channel.close()
    return Login(time.monotonic() - start, printable_line(noise.decode("utf-8", errors="replace")))


def login_finding(login: Login) -> Finding:
    data = {"start_seconds": login.start_seconds}
    if login.noise:
        return bad(
            "login",
            f"the login shell prints of its own accord: {login.noise}",
            "Its start-up files (~/.bashrc) may print only where somebody sits in front of them: begin them with\n"
            "  [[ $- == *i* ]] || return",
            **data,
        )
    value = f"a command starts in {1000 * login.start_seconds:.0f} ms"
    if login.start_seconds > _SLOW_SECONDS:
        return warning(
            "login",
            value,
            "The login shell's start-up files (~/.bashrc) take long at every connection: begin them with\n"
            "  [[ $- == *i* ]] || return",
            **data,
        )
    return good("login", value, **data)
