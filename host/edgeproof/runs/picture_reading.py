"""Reads the pictures of a run while it is under way."""

from collections.abc import Iterable, Iterator

from edgeproof.local_files.bounded_files import MAX_PICTURE_BYTES, UnreadableError, read_bounded
from edgeproof.record.detections import PictureResult
from edgeproof.runs.pictures import PictureFile


def read_pictures(files: Iterable[PictureFile], failed: dict[str, PictureResult]) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each; a file that cannot be read goes to `failed` instead."""
    for file in files:
        try:
            yield file.name, read_bounded(file.path, MAX_PICTURE_BYTES)
        except OSError as error:
            failed[file.name] = PictureResult(file.name, error=f"it cannot be read: {error.strerror}")
        except UnreadableError as error:
            failed[file.name] = PictureResult(file.name, error=f"it cannot be read: {error}")
