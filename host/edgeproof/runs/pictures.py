"""The pictures that a run is for: files and folders as the user named them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeproof.errors import PictureFolderError, UsageError
from edgeproof.picture_files import PICTURE_KINDS, pictures_below
from edgeproof.results import PictureResult


@dataclass(frozen=True)
class PictureFile:
    path: Path
    name: str
    """What it is called in outputs: the file name, or the whole path where two files share a name."""

    @property
    def annotated_name(self) -> str:
        """A file name for the picture with its detections drawn, unique among a run's pictures."""
        return f"{self.name.strip('/').replace('/', '_')}.jpg"


def find_pictures(paths: Sequence[Path]) -> list[PictureFile]:
    """Files as they are, folders with all pictures below them.

    Raises `PictureFolderError` for a folder without pictures, `UsageError` for a path that is not there.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = pictures_below(path)
            if not found:
                raise PictureFolderError(f"{path}: the folder holds no picture ({PICTURE_KINDS}).")
            files += found
        elif path.exists():
            files.append(path)
        else:
            raise UsageError(f"{path}: there is no such file or folder.")
    names = [file.name for file in files]
    return [PictureFile(file, file.name if names.count(file.name) == 1 else file.as_posix()) for file in files]


def read_pictures(files: Iterable[PictureFile], failed: dict[str, PictureResult]) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each; a file that cannot be read goes to `failed` instead."""
    for file in files:
        try:
            yield file.name, file.path.read_bytes()
        except OSError as error:
            failed[file.name] = PictureResult(file.name, error=f"it cannot be read: {error.strerror}")
