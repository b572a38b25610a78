"""The first contact with a command on a board: nothing is sent before the far side has said that it is ours.

A login file can print, end the shell or put another program in its place, and a server can run something else than what
was asked for. What is sent then is read by that: a shell takes it as commands. So the far shell first prints one line
that nobody else knows; what comes ahead of it is passed over.
"""

import re
import secrets
import shlex
from collections.abc import Callable

from edgeproof.board.link.deadline import Deadline
from edgeproof.board.link.transport import Channel, ExitStatus
from edgeproof.errors import DeadlineError, LoginShellError
from edgeproof.wording.printable import printable_line

READY_SECONDS = 20.0
"""How long login files may take. A Pi Zero with a heavy prompt takes two or three."""
END_SECONDS = 3.0
"""How long something that reads its standard input may take to end once there is no more."""
_MAX_NOISE_BYTES = 1 << 20
_SHOWN_BYTES = 800
_TERM_LIMIT = 10**9
"""The sum of two fits into 31 bits, which some shells count with."""
# In single quotes: csh and tcsh end a word at a newline and look an `!` up in their history; fish takes a backslash
# before another one or before a quote away. All else stands for itself in every login shell.
_NOT_FOR_ALL_SHELLS = re.compile(r"[\n!]|\\(?=['\\])")
_TO_ENCODE = re.compile(r"[\n!\\'\"$`]")

_BASH_REMEDY = (
    "Begin the login file with\n  [[ $- == *i* ]] || return        (csh: if (! $?prompt) exit)\n"
    "so that it does that only where somebody types."
)
_LOGIN_FILES = "~/.bashrc, ~/.profile, ~/.zshrc, ~/.zshenv, ~/.cshrc, ~/.config/fish/config.fish"


class Ready:
    """The line that a far shell prints when it is ready: a sum, so that an echo of the command line is no answer."""

    def __init__(self) -> None:
        first, second = secrets.randbelow(_TERM_LIMIT), secrets.randbelow(_TERM_LIMIT)
        self._words = f"echo edgeproof $(({first}+{second}))"
        self.line = b"edgeproof %d\n" % (first + second)

    def command(self, command: str) -> str:
        """What to give to a login shell, be it sh, bash, dash, ash, mksh, zsh, fish, csh or tcsh, so that /bin/sh
        prints the line and then runs `command`. No process is started for it."""
        words = f"{self._words};{command}"
        if _NOT_FOR_ALL_SHELLS.search(words):
            encoded = _TO_ENCODE.sub(lambda match: f"\\0{ord(match[0]):03o}", words)
            words = f'eval "$(printf %b "{encoded}")"'
        return f"exec /bin/sh -c {shlex.quote(words)}"


class GreetedChannel(Channel):
    """A channel whose command has printed its `Ready` line before anything is sent or received.

    Every method but `close` raises `LoginShellError` when something else runs there, `DeadlineError` when the server
    is silent altogether. `end_input` tells the far side that nothing more will come.
    """

    def __init__(self, channel: Channel, ready: Ready, board: str, end_input: Callable[[], None]) -> None:
        self.error_output = channel.error_output
        self._channel = channel
        self._line = ready.line
        self._board = board
        self._end_input = end_input
        self._waiting = True
        self._failure: LoginShellError | None = None
        self._received = b""

    def greet(self) -> None:
        """Waits for the line, unless it has come already."""
        if not self._waiting:
            return
        if self._failure is not None:
            raise self._failure
        try:
            self._wait_for_line()
        except LoginShellError as error:
            self._failure = error
            raise

    def _wait_for_line(self) -> None:
        deadline = Deadline(READY_SECONDS, f"{self._board} to start a command")
        data = b""
        while self._line not in data:
            if len(data) > _MAX_NOISE_BYTES:
                raise self._error(f"prints without an end: {_shown(data)}", _BASH_REMEDY)
            try:
                part = self._channel.receive(1 << 15, deadline)
            except DeadlineError:
                raise self._silent(data) from None
            if not part:
                raise self._ended(data)
            data += part
        before, _, self._received = data.partition(self._line)
        self.noise = _shown(before)
        self._waiting = False

    def send(self, data: bytes, deadline: Deadline) -> None:
        self.greet()
        self._channel.send(data, deadline)

    def receive(self, max_bytes: int, deadline: Deadline) -> bytes:
        self.greet()
        if self._received:
            data, self._received = self._received[:max_bytes], self._received[max_bytes:]
            return data
        return self._channel.receive(max_bytes, deadline)

    def wait(self, deadline: Deadline) -> ExitStatus:
        self.greet()
        return self._channel.wait(deadline)

    def end_input(self) -> None:
        """Tells the far side that nothing more will come."""
        self._end_input()

    def close(self) -> None:
        self._channel.close()

    def _silent(self, data: bytes) -> LoginShellError:
        """Nothing has come: does it read what we would have sent, or does it sleep?"""
        said = f", but {_shown(data)}" if data.strip() else ""
        self._end_input()
        try:
            deadline = Deadline(END_SECONDS, "it to end")
            while self._channel.receive(1 << 15, deadline):
                pass
        except DeadlineError:
            return self._error(
                f"has not started a command within {READY_SECONDS:g} s{said}: a login file waits for something",
                f"Look for a sleep or a program that waits in {_LOGIN_FILES}. {_BASH_REMEDY}",
            )
        return self._error(
            f"runs something that reads its input instead of a command (nothing was sent to it){said}: "
            "a login file starts another shell or program",
            f"Look for `exec` (zsh, fish, tmux) or `read` in {_LOGIN_FILES}. {_BASH_REMEDY}\n"
            "To have another shell for good: chsh -s /usr/bin/zsh",
        )

    def _ended(self, data: bytes) -> LoginShellError:
        try:
            status = self._channel.wait(Deadline(END_SECONDS, "it to end"))
        except DeadlineError:
            return self._silent(data)
        if status.code < 0:
            return self._error(
                f"broke the connection before a command ran{_quoted(data, self.error_output.tail())}",
                "Is it restarting, or out of memory or processes? Try again, and see its log: journalctl -u ssh",
            )
        return self._error(*_words_of_an_end(data, self.error_output.tail(), status))

    def _error(self, what: str, remedy: str) -> LoginShellError:
        return LoginShellError(f"{self._board} {what}.\n{remedy}")


def _words_of_an_end(data: bytes, errors: str, status: ExitStatus) -> tuple[str, str]:
    """What happened and what helps, when something else ended before a command of ours ran."""
    said = f"{data.decode('utf-8', errors='replace')}\n{errors}".lower()
    quoted = _quoted(data, errors)
    if "sftp connections only" in said or "sftp-server" in said:
        return (
            f"lets this user transfer files only{quoted}",
            "edgeproof runs commands there: take `ForceCommand internal-sftp` (or the like) out of the board's "
            "/etc/ssh/sshd_config for this user and reload it (sudo systemctl reload ssh), or log in as another one",
        )
    if "password has expired" in said or "password change required" in said or "must change your password" in said:
        return (
            f"runs nothing: the password of this user has expired{quoted}",
            "Log in once on a terminal (ssh USER@HOST), which asks for a new one; or on the board: sudo chage -d -1 "
            "USER",
        )
    if "account has expired" in said:
        return (f"runs nothing: the account of this user has expired{quoted}", "On the board: sudo chage -E -1 USER")
    if "not available" in said or "nologin" in said or "may not log in" in said:
        return (
            f"gives this user no login shell{quoted}",
            "Give it one on the board (sudo usermod -s /bin/bash USER), or log in as another user",
        )
    if "not a terminal" in said or "connected to a terminal" in said or "not a tty" in said:
        return (
            f"starts a program that wants a terminal instead of a command{quoted}: a login file does so, with "
            "`exec tmux` or `exec screen`",
            f"Look for it in {_LOGIN_FILES}. {_BASH_REMEDY}",
        )
    if status.code == 127 and "/bin/sh" in said:
        return (f"has no /bin/sh{quoted}", "edgeproof needs a POSIX shell there: install one, or link /bin/sh to it")
    return (
        f"did not run a command: something else ended with {status}{quoted}",
        f"A login file may end the shell (`exit {status.code}` in {_LOGIN_FILES}). {_BASH_REMEDY}\n"
        "Or the server runs a command of its own: ForceCommand in the board's /etc/ssh/sshd_config, command= in its "
        "~/.ssh/authorized_keys. Take it out for this user or key",
    )


def _quoted(data: bytes, errors: str) -> str:
    told = [text for text in (_shown(data), printable_line(errors)) if text]
    return f" and said: {' / '.join(told)}" if told else ""


def _shown(data: bytes) -> str:
    return printable_line(data[:_SHOWN_BYTES].decode("utf-8", errors="replace"))
