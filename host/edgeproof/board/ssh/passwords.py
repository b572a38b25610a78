"""A password, or what else a server asks, from the user at a terminal: for the first contact, or beside a key."""

import contextlib
import getpass
import sys
from collections.abc import Iterator, Sequence

import paramiko

from edgeproof.wording.printable import printable

_TRIES = 3
_given: dict[str, str] = {}
"""What was right, by `user@host:port`: nobody is asked twice for one command, which may take several connections."""


_asking = True


def can_ask() -> bool:
    """Whether somebody sits in front of this."""
    return _asking and sys.stdin is not None and sys.stdin.isatty()


@contextlib.contextmanager
def nobody_asked() -> Iterator[None]:
    """Within this, keys alone let in."""
    global _asking  # of this process, as its terminal is
    _asking = False
    try:
        yield
    finally:
        _asking = True


def log_in_with_password(transport: paramiko.Transport, user: str, where: str, methods: Sequence[str]) -> bool:
    """Asks up to three times; whether the server lets the user in. `methods` are those that it takes.

    Raises `paramiko.SSHException` when the server hangs up.
    """
    for attempt in range(_TRIES):
        try:
            if "password" in methods:
                password = _given.get(where) if attempt == 0 else None
                if password is None:
                    password = getpass.getpass(f"Password of {where}: ")
                transport.auth_password(user, password, fallback=False)
                _given[where] = password
            else:
                transport.auth_interactive(user, lambda *asked: _answers(where, *asked))
        except paramiko.BadAuthenticationType:
            return False
        except paramiko.AuthenticationException:
            continue
        return transport.is_authenticated()
    return False


def _answers(where: str, title: str, instructions: str, prompts: Sequence[tuple[str, bool]]) -> list[str]:
    """To keyboard-interactive (RFC 4256): each prompt with whether its answer may be seen. What the server says of
    them stands ahead of the first one."""
    said = "".join(f"{printable(text)}\n" for text in (title, instructions) if text)
    answers = []
    for prompt, visible in prompts:
        ask = input if visible else getpass.getpass
        answers.append(ask(f"{said}{where}: {printable(prompt)}"))
        said = ""
    return answers
