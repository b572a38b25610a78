"""A far side has to answer with a line that nobody else knows; an echo of what was sent is none."""

import re
import shutil
import subprocess

import pytest

from edgeproof.board.link import first_contact
from edgeproof.board.link.deadline import Deadline
from edgeproof.board.link.first_contact import GreetedChannel, Ready
from edgeproof.board.link.transport import Channel, ErrorOutput, ExitStatus
from edgeproof.errors import LoginShellError


class Script(Channel):
    """Says what it is told to, part by part."""

    def __init__(self, parts: list[bytes], status: int = 0) -> None:
        self.error_output = ErrorOutput()
        self.parts = parts
        self.sent = b""
        self.status = status

    def send(self, data: bytes, deadline: Deadline) -> None:
        self.sent += data

    def receive(self, max_bytes: int, deadline: Deadline) -> bytes:
        return self.parts.pop(0) if self.parts else b""

    def wait(self, deadline: Deadline) -> ExitStatus:
        return ExitStatus(self.status)

    def close(self) -> None:
        pass


DEADLINE = Deadline(60, "the test")


def greeted(parts: list[bytes], ready: Ready, status: int = 0) -> tuple[GreetedChannel, Script]:
    script = Script(parts, status)
    return GreetedChannel(script, ready, "pi", lambda: None), script


@pytest.mark.parametrize("cut", range(1, 12))
def test_the_line_is_found_however_it_is_cut_and_what_follows_is_kept(cut: int) -> None:
    ready = Ready()
    whole = b"hello" + ready.line + b"EPR1rest"
    channel, script = greeted([whole[start : start + cut] for start in range(0, len(whole), cut)], ready)
    channel.send(b"data", DEADLINE)
    assert script.sent == b"data"
    received = b""
    while part := channel.receive(3, DEADLINE):
        received += part
    assert received == b"EPR1rest"
    assert channel.noise == "hello"


def test_nothing_is_sent_to_what_echoes_the_command_or_knows_another_line() -> None:
    ready = Ready()
    channel, script = greeted([ready.command("cat").encode() + b"\n", Ready().line], ready)
    with pytest.raises(LoginShellError, match="pi did not run a command"):
        channel.send(b"secret", DEADLINE)
    assert script.sent == b""


def test_the_line_is_not_a_part_of_the_command() -> None:
    for _ in range(100):
        ready = Ready()
        assert ready.line.strip() not in ready.command("exit 0").encode()


def test_noise_without_an_end_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_contact, "_MAX_NOISE_BYTES", 5000)
    channel, _ = greeted([b"y\n" * 1000] * 10, Ready())
    with pytest.raises(LoginShellError, match="pi prints without an end: y y"):
        channel.receive(10, DEADLINE)


def test_a_connection_that_breaks_is_told_as_that() -> None:
    channel, _ = greeted([], Ready(), status=-1)
    with pytest.raises(LoginShellError, match="broke the connection before a command ran"):
        channel.receive(10, DEADLINE)


@pytest.mark.parametrize("command", ["exit 3", "printf '%s' 'it''s'", "printf '%s' 'a!\\\\b\n\"`$HOME'; exit 4"])
def test_a_shell_runs_the_command_as_it_is(command: str) -> None:
    plain = subprocess.run(["/bin/sh", "-c", command], capture_output=True)
    ready = Ready()
    for shell in filter(None, map(shutil.which, ("sh", "bash", "dash", "mksh", "zsh", "fish", "csh", "tcsh"))):
        ran = subprocess.run([shell, "-c", ready.command(command)], capture_output=True)
        assert (ran.returncode, ran.stdout) == (plain.returncode, ready.line + plain.stdout), shell


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("printf '%s|' 'one\n2two'; exit 3", "one\n2two|"),
        ("printf '%s|' wow! '7!8'; exit 3", "wow!|7!8|"),
        (r"""printf '%s|' 'c\' 'd\\e' 'f\g' "it's"; exit 3""", r"c\|d\\e|f\g|it's|"),
        ("printf '%s|' '`x`' '$y' '\n\"'; exit 3", '`x`|$y|\n"|'),
        ("printf '%s|' plain; exit 3", "plain|"),
    ],
)
def test_what_a_login_shell_could_take_for_its_own_is_not_in_the_line(text: str, printed: str) -> None:
    """csh ends a word at a newline and looks an ! up; fish takes a backslash away ahead of another or of a quote."""
    ready = Ready()
    command = ready.command(text)
    assert "\n" not in command
    assert "!" not in command
    assert not re.search(r"\\[\\']", command)
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True)
    assert done.stdout == ready.line + printed.encode()
    assert done.returncode == 3
