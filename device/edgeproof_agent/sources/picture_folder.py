"""Pictures of this machine as frames: one, those of a folder, or those that come into one."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable, Optional

from edgeproof_agent.pictures.decoding import PictureError, decode_picture
from edgeproof_agent.pictures.opencv import MAX_PIXELS
from edgeproof_agent.sources.frame import Capture, CaptureError, FramePlace, SourceFacts
from edgeproof_agent.sources.settings import CaptureSettings
from edgeproof_agent.sources.turning import turn

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
_MAX_BYTES = 256 << 20
_LOOK_SECONDS = 0.2
_Mark = tuple[int, int, int]
"""Inode, size and time of change: a file of which these are the same in two looks has been written."""


class PictureFiles(Capture):
    """Each picture once; a picture that cannot be read is its own trouble."""

    facts = SourceFacts(live=False, timestamps="arrival")

    def __init__(
        self, files: Iterator[Path], shown: Path, settings: CaptureSettings, max_pixels: int = MAX_PIXELS
    ) -> None:
        self._files = files
        self._folder = shown
        self._settings = settings
        self._max_pixels = max_pixels

    def read(self, place: FramePlace) -> bool:
        place.trouble = ""
        place.media_ns = 0
        place.started_at_ns = time.monotonic_ns()
        path = next(self._files, None)
        if path is None:
            return False
        place.name = path.relative_to(self._folder).as_posix() if path != self._folder else path.name
        data = b""
        try:
            data = _read(path)
        except (OSError, PictureError) as error:
            place.trouble = f"{place.name}: {error.strerror if isinstance(error, OSError) else error}"
        place.taken_at_ns = time.monotonic_ns()
        place.capture_ns = place.taken_at_ns - place.started_at_ns
        if not place.trouble:
            try:
                turn(decode_picture(data, self._max_pixels), place, self._settings)
            except PictureError as error:
                place.trouble = f"{place.name}: {error}"
            except MemoryError:
                place.trouble = f"{place.name}: the board has too little memory for it"
        place.decode_ns = time.monotonic_ns() - place.taken_at_ns
        return True

    def release(self) -> None:
        pass


def open_pictures(path: str, settings: CaptureSettings, max_pixels: int = MAX_PIXELS) -> Optional[PictureFiles]:
    """One picture, or those of a folder in the order of their paths; None where the path is neither.

    Raises `CaptureError` for a folder without pictures.
    """
    place = Path(path).expanduser()
    if place.is_dir():
        files = sorted(_pictures(place, settings.recursive))
        if not files:
            raise CaptureError(f"{path} holds no picture ({', '.join(SUFFIXES)})")
        return PictureFiles(iter(files), place, settings, max_pixels)
    if place.suffix.lower() in SUFFIXES and place.is_file():
        return PictureFiles(iter([place]), place, settings, max_pixels)
    return None


def open_watched(
    path: str,
    settings: CaptureSettings,
    max_pixels: int = MAX_PIXELS,
    wait: Callable[[float], object] = time.sleep,
) -> PictureFiles:
    """The pictures that come into a folder from now on, without an end. Raises `CaptureError`."""
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise CaptureError(f"there is no folder {path} to watch; make it, or name another")
    return PictureFiles(_coming(folder, settings.recursive, wait), folder, settings, max_pixels)


def _coming(folder: Path, recursive: bool, wait: Callable[[float], object]) -> Iterator[Path]:
    """Yields a file once it is as it was in the look before: whoever writes it has stopped. Changed, it comes again."""
    known = _marks(folder, recursive)
    growing: dict[Path, _Mark] = {}
    while True:
        wait(_LOOK_SECONDS)
        found = _marks(folder, recursive)
        known = {path: mark for path, mark in known.items() if path in found}
        for path in sorted(found, key=lambda path: (found[path][2], path)):
            mark = found[path]
            if known.get(path) == mark:
                continue
            if growing.get(path) == mark:
                del growing[path]
                known[path] = mark
                yield path
            else:
                growing[path] = mark
        growing = {path: mark for path, mark in growing.items() if path in found}


def _marks(folder: Path, recursive: bool) -> dict[Path, _Mark]:
    marks = {}
    for path in _pictures(folder, recursive):
        try:
            state = path.stat()
        except OSError:
            continue
        marks[path] = (state.st_ino, state.st_size, state.st_mtime_ns)
    return marks


def _pictures(folder: Path, recursive: bool) -> Iterator[Path]:
    """By their suffixes; hidden files and folders are left out, which is how others write a file before it is whole."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if recursive and not name.startswith("."))
        for name in files:
            path = Path(place, name)
            if path.suffix.lower() in SUFFIXES and not name.startswith(".") and path.is_file():
                yield path


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise PictureError(f"it has more than {_MAX_BYTES >> 20} MiB")
    return data
