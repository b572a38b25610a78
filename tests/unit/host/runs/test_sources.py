"""Sources of a command: pictures go one by one, all else is streamed; what is not there is told."""

from pathlib import Path

import pytest

from edgeproof.errors import UsageError
from edgeproof.runs.pictures import find_pictures
from edgeproof.runs.sources import sort_sources
from edgeproof_agent.sources.grammar import Source, SourceKind


def test_pictures_are_told_from_what_is_streamed(tmp_path: Path) -> None:
    for name in ("a.jpg", "set.json", "street.mp4", "Other.MKV"):
        (tmp_path / name).touch()
    texts = [str(tmp_path / "a.jpg"), "camera:0", str(tmp_path), str(tmp_path / "street.mp4"), "board:/v.mp4"]
    found = sort_sources(texts, [tmp_path / "set.json", tmp_path / "Other.MKV"])
    assert found.pictures == (tmp_path / "set.json", tmp_path / "a.jpg", tmp_path)
    assert found.streams == (
        Source(SourceKind.CAMERA, "0"),
        Source(SourceKind.FILE, str(tmp_path / "street.mp4")),
        Source(SourceKind.BOARD_FILE, "/v.mp4"),
        Source(SourceKind.FILE, str(tmp_path / "Other.MKV")),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [("gone.jpg", "One of the board is board:gone.jpg"), ("ftp://a/b", "none of the URLs"), ("picamera:x", "a number")],
)
def test_what_is_no_source_is_told(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        sort_sources([text])


def test_folders_below_a_folder_are_left_out_when_that_is_asked_for(tmp_path: Path) -> None:
    for name in ("a.png", "deep/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [file.name for file in find_pictures([tmp_path])] == ["a.png", "b.png"]
    assert [file.name for file in find_pictures([tmp_path], recursive=False)] == ["a.png"]
