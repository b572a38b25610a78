"""Lines that are brought home: none twice, none lost, a gap named."""

from pathlib import Path

import pytest

from edgeproof.errors import UsageError
from edgeproof.local_files.pulled_lines import PulledLines

ONE, OTHER = "1" * 16, "2" * 16


def test_a_pull_goes_on_where_the_last_one_ended_also_within_a_line(tmp_path: Path) -> None:
    with PulledLines.open(tmp_path / "out") as kept:
        assert (kept.identity, kept.next_offset) == ("", 0)
        assert kept.add(ONE, 0, b"first\nsec") == 0
    with PulledLines.open(tmp_path / "out") as kept:
        assert (kept.identity, kept.next_offset) == (ONE, 9)
        assert kept.add(ONE, 9, b"ond\n") == 0
        assert (kept.lines, kept.size_bytes) == (1, 4)
    (path,) = (tmp_path / "out").glob("*.jsonl")
    assert path.read_bytes() == b"first\nsecond\n"


def test_behind_a_gap_and_in_another_log_a_file_begins(tmp_path: Path) -> None:
    with PulledLines.open(tmp_path) as kept:
        kept.add(ONE, 0, b"a\n")
        assert kept.add(ONE, 12, b"b\n") == 10
        assert kept.next_offset == 14
        assert kept.add(OTHER, 0, b"c\n") == 0
    with PulledLines.open(tmp_path) as kept:
        assert (kept.identity, kept.next_offset) == (OTHER, 2)
    assert sorted(path.read_bytes() for path in tmp_path.glob("*.jsonl")) == [b"a\n", b"b\n", b"c\n"]


def test_two_pulls_into_one_folder_and_a_folder_that_is_none_are_refused(tmp_path: Path) -> None:
    with PulledLines.open(tmp_path), pytest.raises(UsageError, match="another pull goes into"):
        PulledLines.open(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="a file is where a folder would have to be"):
        PulledLines.open(tmp_path / "file")
