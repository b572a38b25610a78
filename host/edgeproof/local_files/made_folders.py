"""Folders that are made for something that may come to nothing, and are then not left behind."""

import contextlib
import itertools
from pathlib import Path


def nearest_existing(path: Path) -> Path:
    """The path itself, or the nearest above it that is there, if only as a link to nowhere."""
    return next(place for place in (path, *path.absolute().parents) if place.exists() or place.is_symlink())


def remove_made(folder: Path, there: Path) -> None:
    """Removes `folder` and those above it up to `there`, which `nearest_existing` told before they were made.

    What holds something stays.
    """
    if folder != there:
        for made in itertools.takewhile(lambda place: place != there, (folder.absolute(), *folder.absolute().parents)):
            with contextlib.suppress(OSError):
                made.rmdir()
