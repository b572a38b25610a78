"""Pictures as frames: of a folder in order, of a watched one when they are whole, a wrong one as one trouble."""

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeproof_agent.sources.frame import CaptureError, FramePlace
from edgeproof_agent.sources.picture_folder import open_pictures, open_watched
from edgeproof_agent.sources.settings import CaptureSettings

PLAIN, FLAT = CaptureSettings(), CaptureSettings(recursive=False)


def write(path: Path, shade: int = 0) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    data: bytes = cv2.imencode(".png", np.full((6, 8, 3), shade, np.uint8))[1].tobytes()
    path.write_bytes(data)
    return data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for shade, name in enumerate(["b.png", "a.png", "deep/c.png", ".hidden/d.png", ".part.png"]):
        write(tmp_path / name, shade)
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def names(folder: Path, settings: CaptureSettings) -> list[tuple[str, str]]:
    capture = open_pictures(str(folder), settings)
    assert capture is not None
    place = FramePlace()
    seen = []
    while capture.read(place):
        seen.append((place.name, place.trouble))
    return seen


def test_a_folder_gives_its_pictures_in_the_order_of_their_paths(folder: Path) -> None:
    assert names(folder, PLAIN) == [("a.png", ""), ("b.png", ""), ("deep/c.png", "")]
    assert names(folder, FLAT) == [("a.png", ""), ("b.png", "")]
    assert names(folder / "b.png", PLAIN) == [("b.png", "")]


def test_a_wrong_picture_is_one_trouble(folder: Path) -> None:
    (folder / "a.png").write_bytes(b"not a picture")
    (first, trouble), *others = names(folder, PLAIN)
    assert first == "a.png"
    assert "a.png: it is broken or not a picture" in trouble
    assert others == [("b.png", ""), ("deep/c.png", "")]


def test_what_is_no_picture_and_no_folder_is_left_to_others_and_an_empty_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "street.mp4").touch()
    assert open_pictures(str(tmp_path / "street.mp4"), PLAIN) is None
    with pytest.raises(CaptureError, match="holds no picture"):
        open_pictures(str(tmp_path), PLAIN)


def test_a_watched_folder_gives_what_comes_once_and_only_when_it_is_whole(folder: Path) -> None:
    """At each look the next thing happens in the folder."""
    whole = write(folder / "deep/later.png", 9)
    (folder / "deep/later.png").unlink()
    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: (folder / "new.png").write_bytes(whole[:20]),
        lambda: (folder / "new.png").write_bytes(whole[:40]),
        lambda: (folder / "new.png").write_bytes(whole),
        lambda: None,
        lambda: shutil.copy(folder / "new.png", folder / "moved.tmp"),
        lambda: (folder / "moved.tmp").rename(folder / "deep" / "later.png"),
        lambda: None,
        lambda: write(folder / "a.png", 77),
        lambda: None,
    ]
    looks = iter(steps)
    count = 0

    class Over(Exception):  # noqa: N818
        pass

    def wait(seconds: float) -> None:
        nonlocal count
        count += 1
        look = next(looks, None)
        if look is None:
            raise Over
        look()

    capture = open_watched(str(folder), PLAIN, wait=wait)
    place = FramePlace()
    seen = []
    with pytest.raises(Over):
        while capture.read(place):
            seen.append((place.name, place.trouble, count))
    assert seen == [("new.png", "", 5), ("deep/later.png", "", 8), ("a.png", "", 10)]


def test_a_folder_that_is_not_there_cannot_be_watched(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="there is no folder"):
        open_watched(str(tmp_path / "gone"), PLAIN)
