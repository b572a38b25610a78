"""The agent's end of the stream: what else the process prints stays out of it, and it ends with its host."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgeproof_agent.wire.frames import Frame, FrameError, encode_frame, read_frame
from edgeproof_agent.wire.link import HostSilentError, Link
from tests.support.places import DEVICE
from tests.support.processes import is_gone

_DEVICE = str(DEVICE)

# Talks in frames while it prints, reads its standard input and has a child that would run for an hour.
_AGENT = """
import os, subprocess, sys, threading
from edgeproof_agent.wire.link import take_standard_streams
link = take_standard_streams(heeds_last_words="heeds" in sys.argv)
print("printed by a library", flush=True)
os.write(1, b"written by a C library\\n")
child = subprocess.Popen(["sleep", "3600"])
link.send({"child": child.pid, "input": sys.stdin.read()})
while "heeds" in sys.argv and (frame := link.receive()):
    open(sys.argv[2], "a").write(f"{frame.header['id']} ")
    link.send({"answer": frame.header["id"]})
while "busy" in sys.argv:
    threading.Event().wait()
link.send({"got": link.receive().header})
"""


def start_agent(*arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", _AGENT, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": _DEVICE},
        bufsize=0,
    )


def receive(agent: "subprocess.Popen[bytes]") -> Frame | None:
    assert agent.stdout is not None
    return read_frame(agent.stdout.read)


def close(agent: "subprocess.Popen[bytes]") -> None:
    agent.kill()
    for stream in (agent.stdin, agent.stdout, agent.stderr):
        if stream is not None:
            stream.close()
    agent.wait(20)


def test_frames_go_both_ways_through_a_pipe() -> None:
    read_fd, write_fd = os.pipe()
    link = Link(read_fd, write_fd)
    link.send({"id": 1}, b"abc")
    assert link.receive() == Frame({"id": 1}, b"abc")
    os.write(write_fd, encode_frame({"id": 2})[:-1])
    os.close(write_fd)
    with pytest.raises(FrameError, match="ended inside a frame"):
        link.receive()
    assert link.receive() is None
    os.close(read_fd)


def test_what_is_printed_goes_to_standard_error_and_standard_input_is_empty() -> None:
    agent = start_agent()
    try:
        first = receive(agent)
        assert first is not None
        assert first.header["input"] == ""
        assert agent.stdin is not None
        agent.stdin.write(encode_frame({"id": 1}))
        assert receive(agent) == Frame({"got": {"id": 1}})
        assert agent.stderr is not None
        assert agent.stderr.readline() == b"printed by a library\n"
        assert agent.stderr.readline() == b"written by a C library\n"
    finally:
        close(agent)


def test_a_process_and_its_children_are_gone_when_the_host_hangs_up() -> None:
    agent = start_agent("busy")
    try:
        first = receive(agent)
        assert first is not None
        assert agent.stdin is not None
        agent.stdin.close()
        assert agent.wait(20) == -9
        assert is_gone(first.header["child"])
    finally:
        close(agent)


def test_a_hang_up_ends_the_process_while_a_request_waits_unread() -> None:
    agent = start_agent("busy")
    try:
        first = receive(agent)
        assert first is not None
        assert agent.stdin is not None
        agent.stdin.write(encode_frame({"id": 1}) + encode_frame({"id": 2}, bytes(1000)))
        agent.stdin.close()
        assert agent.wait(20) == -9
        assert is_gone(first.header["child"])
    finally:
        close(agent)


@pytest.mark.parametrize("then", ["over", "busy"])
def test_last_words_are_heeded_and_then_the_process_and_its_children_end(then: str, tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    agent = start_agent("heeds", str(heard), then)
    try:
        first = receive(agent)
        assert first is not None
        assert agent.stdin is not None
        assert agent.stdout is not None
        agent.stdin.write(b"".join(encode_frame({"id": number}, bytes(5_000)) for number in range(9)))
        agent.stdin.close()
        agent.stdout.close()
        assert (agent.wait(20) == -9) == (then == "busy")
        assert heard.read_text() == "0 1 2 3 4 5 6 7 8 "
        assert then == "over" or is_gone(first.header["child"])
    finally:
        close(agent)


def test_a_host_that_says_nothing_for_too_long_is_taken_as_gone() -> None:
    read_fd, write_fd = os.pipe()
    limits: list[float | None] = [None]
    link = Link(read_fd, write_fd, lambda: limits[0])
    data = encode_frame({"id": 1})
    os.write(write_fd, data)
    assert link.receive() == Frame({"id": 1})
    limits[0] = 0.01
    os.write(write_fd, data)
    assert link.receive() == Frame({"id": 1}), "what has come is read first"
    for half in (b"", data[:7]):
        os.write(write_fd, half)
        with pytest.raises(HostSilentError, match="the host said nothing for 0.01 s"):
            link.receive()
