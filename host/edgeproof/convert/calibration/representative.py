"""The representative data set: pictures of a folder or a COCO data set, prepared by the code that prepares them on the
board.
"""

import contextlib
import functools
import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeproof.convert.calibration.prefetch import computed_ahead
from edgeproof.errors import PictureFolderError
from edgeproof.local_files.bounded_files import MAX_PICTURE_BYTES, read_bounded, readable, why_unreadable
from edgeproof.local_files.coco_dataset import coco_pictures
from edgeproof.local_files.digests import sha256_of_file
from edgeproof.local_files.picture_files import PICTURE_KINDS, pictures_below
from edgeproof_agent.bundle.manifest import InputContract
from edgeproof_agent.detection.preprocess import prepare
from edgeproof_agent.pictures.decoding import decode_picture

# The converter calibrates on one core; this many threads decode for it meanwhile, and so many tensors wait for it.
_THREADS = 2
_WAITING = 4


@dataclass(frozen=True)
class Sampling:
    """Which pictures are used: all, or `limit` of them drawn with `seed`."""

    limit: int = 100
    seed: int = 0


@dataclass(frozen=True)
class RepresentativeSet:
    """The chosen pictures, in a fixed order. Nothing is decoded until `tensors` is read."""

    path: Path
    """The folder, or the COCO JSON file."""
    files: tuple[Path, ...]
    digest: str
    """SHA-256 over the SHA-256 of each file in order: the same pictures give the same digest wherever they lie."""

    def __len__(self) -> int:
        return len(self.files)

    def tensors(
        self,
        contract: InputContract,
        on_done: Callable[[int], None] | None = None,
        on_broken: Callable[[Path, str], None] | None = None,
    ) -> Iterator[npt.NDArray[np.float32]]:
        """Yields float32 [1, height, width, 3] a readable picture; broken ones are reported and left out.

        The next pictures are decoded while one is used; the listeners are called in the caller's thread, in order.
        `on_done` is told how many files were looked at. Raises PictureFolderError when no picture can be read.
        """
        read = functools.partial(_read, contract=contract.as_float())
        readable = 0
        with contextlib.closing(computed_ahead(read, self.files, threads=_THREADS, waiting=_WAITING)) as results:
            for done, (path, tensor) in enumerate(zip(self.files, results, strict=True), start=1):
                if not isinstance(tensor, str):
                    readable += 1
                    yield tensor
                elif on_broken is not None:
                    on_broken(path, tensor)
                if on_done is not None:
                    on_done(done)
        if not readable:
            raise PictureFolderError(self._nothing_readable())

    def require_readable(self) -> None:
        """Raises PictureFolderError when none of the pictures can be read. Stops at the first that can."""
        for path in self.files:
            try:
                decode_picture(read_bounded(path, MAX_PICTURE_BYTES))
            except (OSError, ValueError):
                continue
            return
        raise PictureFolderError(self._nothing_readable())

    def _nothing_readable(self) -> str:
        count = len(self.files)
        which = "its only picture cannot" if count == 1 else f"none of its {count} pictures can"
        return f"{self.path}: {which} be read. Give a folder of intact {PICTURE_KINDS} files with --images."


def representative_set(path: Path, sampling: Sampling | None = None, root: Path | None = None) -> RepresentativeSet:
    """The pictures below a folder, or those that a COCO JSON file lists, in the order of their names.

    `root` is the folder of the latter. Raises PictureFolderError when there is no picture, or a listed one is missing.
    """
    sampling = sampling or Sampling()
    if path.suffix.lower() == ".json" and path.is_file():
        files = list(coco_pictures(path, root))
    elif root is not None:
        raise PictureFolderError(f"{path}: --images-root goes with a COCO JSON file. Leave it out for a folder.")
    else:
        files = _pictures_of_folder(path)
    if len(files) > sampling.limit:
        chosen = sorted(random.Random(sampling.seed).sample(range(len(files)), sampling.limit))
        files = [files[index] for index in chosen]
    return RepresentativeSet(path, tuple(files), _digest(files))


def _pictures_of_folder(folder: Path) -> list[Path]:
    if not folder.exists():
        raise PictureFolderError(f"{folder}: there is no such folder. Give one with pictures with --images.")
    if not folder.is_dir():
        raise PictureFolderError(
            f"{folder}: it is a file. Give the folder that holds the pictures, or a COCO .json file, with --images."
        )
    files = pictures_below(folder)
    if not files:
        raise PictureFolderError(
            f"{folder}: the folder holds no picture ({PICTURE_KINDS}). "
            "Give one with 100 or so pictures like those that the detector will see with --images."
        )
    return files


def _read(path: Path, contract: InputContract) -> npt.NDArray[np.float32] | str:
    """The tensor of a picture, or why it cannot be read."""
    try:
        return prepare(decode_picture(read_bounded(path, MAX_PICTURE_BYTES)), contract)
    except (OSError, ValueError) as error:
        return why_unreadable(error) if isinstance(error, OSError) else str(error)


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        with readable(path, PictureFolderError):
            digest.update(bytes.fromhex(sha256_of_file(path)))
    return digest.hexdigest()
