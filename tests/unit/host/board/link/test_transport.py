"""How a remote command ended, in words, and the end of what it complained about."""

import tracemalloc

import pytest

from edgeproof.board.link.transport import ErrorOutput, ExitStatus
from edgeproof.wording.printable import printable


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit status 0"),
        (1, "exit status 1"),
        (128, "exit status 128"),
        (134, "killed by signal 6 (SIGABRT)"),
        (137, "killed by signal 9 (SIGKILL), as the kernel does when the board runs out of memory"),
        (139, "killed by signal 11 (SIGSEGV)"),
        (255, "exit status 255"),
        (-1, "the connection broke before its exit status came"),
    ],
)
def test_an_exit_status_is_told_in_words(code: int, words: str) -> None:
    assert str(ExitStatus(code)) == words


def output_of(*parts: bytes) -> ErrorOutput:
    output = ErrorOutput()
    for part in parts:
        output.add(part)
    return output


def test_the_last_lines_are_kept() -> None:
    text = "".join(f"line {number}\n" for number in range(100))
    assert output_of(text.encode()).tail().splitlines() == [f"line {number}" for number in range(88, 100)]


def test_lines_that_arrive_in_pieces_are_put_together() -> None:
    assert output_of(b"Trace", b"back\nValueError: \xc3", b"\xa4\n\n").tail() == "Traceback\nValueError: ä"


def test_nothing_has_no_last_words() -> None:
    assert output_of().tail() == ""
    assert output_of(b" \n\n").tail() == ""


def test_what_would_steer_a_terminal_is_left_out() -> None:
    assert output_of(b"a\x1b[31mred\x1b[0m\tb\x07\x9b\xff\n").tail() == "a[31mred[0m\tb��"


@pytest.mark.parametrize(("part", "times"), [(b"x", 300_000), (b"line\n", 100_000), (b"y" * 65537, 64)])
def test_a_command_that_never_stops_complaining_takes_bounded_memory(part: bytes, times: int) -> None:
    output = ErrorOutput()
    tracemalloc.start()
    try:
        for _ in range(times):
            output.add(part)
        used = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert used < 1 << 20
    assert 0 < len(output.tail()) < 13 * 1001


def test_printable_text_keeps_its_lines_and_is_cut() -> None:
    assert printable("a\tb\nc\r\x1b[2J\x00 ü 🚦 \u202e") == "a\tb\nc[2J ü 🚦 "
    assert printable("x" * 10_000) == "x" * 8000
    assert printable("abc", 2) == "ab"
