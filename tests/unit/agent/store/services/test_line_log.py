"""A log of lines: bounded, whole lines whatever happens, read by offset without a line lost or doubled."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof_agent.store.services.line_log import LineLog, extent, read_lines, segments


def pulled(folder: Path, offset: int, max_bytes: int) -> bytes:
    data = b""
    while (piece := read_lines(folder, offset, max_bytes)) is not None and piece.data:
        assert piece.offset == offset, "nothing is missing"
        data += piece.data
        offset += len(piece.data)
    return data


def line(number: int, length: int = 0) -> bytes:
    return b"%d %s\n" % (number, b"x" * length)


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 90), min_size=1, max_size=40),
    reopened=st.sets(st.integers(0, 40)),
    max_bytes=st.integers(1, 200),
    data=st.data(),
)
def test_what_is_pulled_in_any_pieces_is_what_was_appended(
    tmp_path_factory: object, lengths: list[int], reopened: set[int], max_bytes: int, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("log") / "log"  # type: ignore[attr-defined]
    log = LineLog(folder, 1 << 20, segment_bytes=100)
    whole = b""
    for number, length in enumerate(lengths):
        if number in reopened:
            log.close()
            log = LineLog(folder, 1 << 20, segment_bytes=100)
        assert log.append(line(number, length))
        whole += line(number, length)
    log.close()
    assert pulled(folder, 0, max_bytes) == whole
    start = data.draw(st.integers(0, len(whole)))
    assert pulled(folder, start, max_bytes) == whole[start:]


def test_the_oldest_segments_go_and_a_reader_is_told_where_the_rest_begins(tmp_path: Path) -> None:
    log = LineLog(tmp_path, 1000, segment_bytes=100)
    whole = b""
    for number in range(500):
        log.append(line(number, 10))
        whole += line(number, 10)
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1000
    there = extent(tmp_path)
    assert there is not None
    assert there.end == len(whole)
    assert there.first > 0
    piece = read_lines(tmp_path, 0, 1 << 20)
    assert piece is not None
    assert piece.offset == there.first
    assert pulled(tmp_path, there.first, 64) == whole[there.first :]
    assert there.end - there.first > 700, "what fits is kept"


def test_a_line_that_a_crash_cut_is_given_to_nobody_and_goes(tmp_path: Path) -> None:
    LineLog(tmp_path, 1000).append(line(1))
    (segment,) = segments(tmp_path)
    with segment.path.open("ab") as file:
        file.write(b'{"half')
    assert pulled(tmp_path, 0, 1000) == line(1)
    assert extent(tmp_path) == (segment.identity, 0, len(line(1)))
    assert LineLog(tmp_path, 1000).append(line(2))
    assert pulled(tmp_path, 0, 1000) == line(1) + line(2)


def test_a_full_disk_loses_lines_leaves_no_half_ones_and_goes_on(tmp_path: Path) -> None:
    """The kernel's own refusal, by a limit on the size of files, in a process of its own."""
    program = f"""
import resource, signal, sys
sys.path.insert(0, {str(Path(__file__).parents[5] / "device")!r})
from pathlib import Path
from edgeproof_agent.store.services.line_log import LineLog
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = LineLog(Path({str(tmp_path)!r}), 1 << 20)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
answers = [log.append(b"%d %s\\n" % (number, b"x" * 28)) for number in range(6)]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
answers.append(log.append(b"last\\n"))
print(answers, log.lost)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n")[0] == f"{[True] * 3 + [False] * 3 + [True]} 3", done.stderr
    assert pulled(tmp_path, 0, 1000) == b"".join(line(number, 28) for number in range(3)) + b"last\n"


def test_what_is_given_out_is_on_the_disk_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut cannot make the log another one than who has pulled it has."""
    LineLog(tmp_path, 1000).append(line(1))
    (segment,) = segments(tmp_path)
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    assert read_lines(tmp_path, 0, 1000) is not None
    assert synced == [str(segment.path)]


def test_the_lines_of_another_log_come_from_the_first_on(tmp_path: Path) -> None:
    LineLog(tmp_path, 1000).append(line(1))
    (segment,) = segments(tmp_path)
    assert read_lines(tmp_path, 2, 1000, segment.identity) == (segment.identity, 2, line(1)[2:])
    assert read_lines(tmp_path, 2, 1000, "0" * 16) == (segment.identity, 0, line(1))
    assert read_lines(tmp_path / "none", 0, 1000) is None


def test_a_reader_beside_a_writer_that_rotates_gets_whole_lines_in_order(tmp_path: Path) -> None:
    log = LineLog(tmp_path, 20_000, segment_bytes=500)
    done = threading.Event()

    def write() -> None:
        for number in range(4000):
            log.append(line(number, 5))
        done.set()

    threading.Thread(target=write, daemon=True).start()
    offset = gaps = 0
    numbers: list[int] = []
    end = time.monotonic() + 60
    while time.monotonic() < end:
        was_done = done.is_set()
        piece = read_lines(tmp_path, offset, 4096)
        if piece is None or not piece.data:
            if was_done:
                break
            continue
        gaps += piece.offset != offset
        numbers += [int(text.split()[0]) for text in piece.data.splitlines()]
        offset = piece.offset + len(piece.data)
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 3999
    assert gaps or numbers == list(range(4000))


def test_a_log_is_not_written_through_a_link(tmp_path: Path) -> None:
    LineLog(tmp_path / "log", 1000).append(line(1))
    (segment,) = segments(tmp_path / "log")
    victim = tmp_path / "victim"
    victim.write_bytes(b"untouched\n")
    segment.path.unlink()
    os.symlink(victim, segment.path)
    assert not LineLog(tmp_path / "log", 1000).append(line(2))
    assert victim.read_bytes() == b"untouched\n"
