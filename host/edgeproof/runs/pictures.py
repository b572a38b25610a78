"""The pictures that a run is for: files and folders as the user named them."""

from collections import Counter
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


def find_pictures(paths: Sequence[Path], left_out: Path | None = None) -> list[PictureFile]:
    """Files as they are, folders with all pictures below them but those in the folder `left_out`; each file once.

    Raises `PictureFolderError` for a folder without pictures, `UsageError` for a path that is not there.
    """
    files: dict[Path, Path] = {}
    for path in paths:
        if path.is_dir():
            found = [file for file in pictures_below(path) if left_out is None or not _is_below(file, left_out)]
            if not found:
                raise PictureFolderError(f"{path}: the folder holds no picture ({PICTURE_KINDS}).")
            for file in found:
                files.setdefault(file.resolve(), file)
        elif path.is_file():
            files.setdefault(path.resolve(), path)
        elif path.exists():
            raise UsageError(f"{path}: it is neither a file nor a folder.")
        else:
            raise UsageError(f"{path}: there is no such file or folder.")
    shared = Counter(file.name for file in files.values())
    return [
        PictureFile(file, _text(file.name if shared[file.name] == 1 else file.as_posix())) for file in files.values()
    ]


def _is_below(file: Path, folder: Path) -> bool:
    return file.resolve().is_relative_to(folder.resolve())


def _text(name: str) -> str:
    """A file's name as text that can be written: bytes that are no UTF-8 are shown as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def read_pictures(files: Iterable[PictureFile], failed: dict[str, PictureResult]) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each; a file that cannot be read goes to `failed` instead."""
    for file in files:
        try:
            yield file.name, file.path.read_bytes()
        except OSError as error:
            failed[file.name] = PictureResult(file.name, error=f"it cannot be read: {error.strerror}")
