"""The local pipe is a transport like any other: commands, statuses, deadlines, and no process left behind."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeproof.board.link.deadline import Deadline
from edgeproof.board.link.local import LocalTransport
from edgeproof.board.link.transport import Channel
from edgeproof.errors import DeadlineError
from tests.support.processes import is_gone


@pytest.fixture
def transport(tmp_path: Path) -> Iterator[LocalTransport]:
    transport = LocalTransport("local", tmp_path)
    with transport:
        yield transport


def soon() -> Deadline:
    return Deadline(20, "the command")


def read_all(channel: Channel) -> bytes:
    parts = []
    while part := channel.receive(65536, soon()):
        parts.append(part)
    return b"".join(parts)


def test_a_command_runs_in_a_home_of_its_own(transport: LocalTransport, tmp_path: Path) -> None:
    channel = transport.open("pwd; echo $HOME")
    assert read_all(channel).decode().splitlines() == [str(tmp_path)] * 2
    assert channel.wait(soon()).code == 0


def test_standard_error_comes_with_the_status_and_not_with_the_output(transport: LocalTransport) -> None:
    channel = transport.open("echo out; echo err >&2; exit 7")
    assert read_all(channel) == b"out\n"
    assert channel.wait(soon()).code == 7
    assert channel.error_output.tail() == "err"


def test_a_command_that_a_signal_kills_has_its_status(transport: LocalTransport) -> None:
    channel = transport.open("kill -9 $$")
    assert str(channel.wait(soon())).startswith("killed by signal 9 (SIGKILL)")


def test_megabytes_go_in_and_come_out(transport: LocalTransport) -> None:
    data = os.urandom(3 << 20)
    channel = transport.open(f"head -c {len(data)} >copy; cat copy")
    channel.send(data, soon())
    assert read_all(channel) == data


def test_a_megabyte_of_complaints_does_not_block_the_command(transport: LocalTransport) -> None:
    channel = transport.open("head -c 1000000 /dev/zero | tr '\\0' x >&2; echo out")
    assert read_all(channel) == b"out\n"
    assert channel.wait(soon()).code == 0


@pytest.mark.parametrize("wait", ["receive", "send", "wait"])
def test_no_wait_is_longer_than_its_deadline(transport: LocalTransport, wait: str) -> None:
    channel = transport.open("echo $$; exec sleep 3600")
    process = int(channel.receive(100, soon()))
    over = Deadline(0.05, "a sleeping command")
    with pytest.raises(DeadlineError, match="for a sleeping command"):
        if wait == "receive":
            channel.receive(1, over)
        elif wait == "send":
            channel.send(bytes(1 << 22), over)
        else:
            channel.wait(over)
    os.kill(process, signal.SIGKILL)


def test_sending_to_a_command_that_ended_is_a_broken_pipe(transport: LocalTransport) -> None:
    channel = transport.open("exit 0")
    channel.wait(soon())
    with pytest.raises(BrokenPipeError):
        channel.send(b"x", soon())


def test_closing_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeproof.board.link.local._CLOSE_SECONDS", 0.1)
    with LocalTransport("local", tmp_path) as transport:
        channel = transport.open("trap '' HUP PIPE TERM; sleep 3600 & echo $$ $!; wait")
        shell, child = (int(word) for word in channel.receive(100, soon()).split())
    assert is_gone(shell)
    assert is_gone(child)


def test_a_channel_can_be_closed_twice(transport: LocalTransport) -> None:
    channel = transport.open("exit 0")
    channel.close()
    channel.close()
