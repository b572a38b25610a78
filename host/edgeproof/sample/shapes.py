"""The shapes sample, made without a network: a small SSDLite of our own, calibration pictures, a labelled test set."""

import functools
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from edgeproof.errors import SampleError
from edgeproof.local_files.atomic_file import why_unwritten
from edgeproof.local_files.digests import sha256_of_file
from edgeproof.sample.own_folder import begin_record
from edgeproof.sample.shapes_dataset import ANNOTATIONS_FILE, draw_shapes, encode_picture, write_shapes
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener, silent
from edgeproof_agent.bundle.manifest import ColourOrder, Coordinates, InputContract

NAME = "shapes"
INPUT = InputContract(
    height=160,
    width=160,
    colour_order=ColourOrder.RGB,
    coordinates=Coordinates.HALF_PIXEL,
    mean=(127.5, 127.5, 127.5),
    std=(127.5, 127.5, 127.5),
)
"""What the model was trained on; a Keras file does not say it."""

TRAINING_SEED, HELD_OUT_SEED, CALIBRATION_SEED, PHOTOS_SEED = 1, 2, 3, 4
"""Series of pictures, of which no two share one."""
TEST_PICTURES, CALIBRATION_PICTURES, PHOTOS = 200, 100, 4

_DATA = Path(__file__).parent / "shapes_data"
_MODEL, _ANCHORS, _LABELS = "model/shapes.keras", "model/anchors.json", "model/labels.txt"
_PHOTO_FILES = tuple(f"photos/shapes-{number}.jpg" for number in range(1, PHOTOS + 1))
_RECORD = "sample.json"
_SCHEMA = "edgeproof.sample/1"


@dataclass(frozen=True)
class ShapesSample:
    """Where the parts of the sample lie."""

    name: str
    path: Path
    model: Path
    """Keras file with the outputs `box_encodings` [N, A, 4] and `class_scores` [N, A, C + 1], background first."""
    anchors: Path
    """JSON: `boxes` [A, 4] as centre y, centre x, height, width in 0..1, and `box_scales`."""
    labels: Path
    photos: tuple[Path, ...]
    calibration: Path
    """Folder of pictures (and their COCO annotations) of a series of their own."""
    test_set: Path
    """COCO data set: `annotations.json` and `images/`. The training has seen none of it."""

    @property
    def annotations(self) -> Path:
        return self.test_set / ANNOTATIONS_FILE


def fetch_shapes(out: Path, progress: ProgressListener = silent) -> ShapesSample:
    """Writes the sample to `out`: copies the model, draws the pictures. Does nothing when it is whole already.

    Raises SampleError when it cannot be written.
    """
    try:
        if _is_whole(out):
            progress(Progress(f"{out}: up to date", ProgressKind.NOTE))
        else:
            _write(out, progress)
    except OSError as error:
        raise SampleError(f"{error.filename or out}: {why_unwritten(error, 'choose another --out')}") from error
    return ShapesSample(
        NAME,
        out,
        out / _MODEL,
        out / _ANCHORS,
        out / _LABELS,
        tuple(out / photo for photo in _PHOTO_FILES),
        out / "calibration",
        out / "test",
    )


def _write(out: Path, progress: ProgressListener) -> None:
    """The record that makes the sample count as whole is emptied first and filled last."""
    begin_record(out, _RECORD, _SCHEMA)
    for folder in ("model", "photos"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for path in (_MODEL, _ANCHORS, _LABELS):
        shutil.copyfile(_DATA / Path(path).name, out / path)
    for index, path in enumerate(_PHOTO_FILES):
        (out / path).write_bytes(encode_picture(draw_shapes(PHOTOS_SEED, index).pixels))
    for folder, seed, count in (
        ("calibration", CALIBRATION_SEED, CALIBRATION_PICTURES),
        ("test", HELD_OUT_SEED, TEST_PICTURES),
    ):
        told = functools.partial(_tell, progress, f"drawing {folder} pictures", count)
        write_shapes(out / folder, seed, count, told)
    files = {path: sha256_of_file(out / path) for path in _paths(out)}
    (out / _RECORD).write_text(json.dumps({"schema": _SCHEMA, "files": files}, indent=2) + "\n", "utf-8")


def _tell(progress: ProgressListener, text: str, total: int, done: int) -> None:
    progress(Progress(text, done=done, total=total))


def _is_whole(out: Path) -> bool:
    """Whether every file is there as recorded, and the model is the one that this version brings."""
    try:
        record = json.loads((out / _RECORD).read_text("utf-8"))
        files = dict(record["files"]) if record["schema"] == _SCHEMA else {}
        packaged = {path: sha256_of_file(_DATA / Path(path).name) for path in (_MODEL, _ANCHORS, _LABELS)}
        return (
            {**files, **packaged} == files
            and files.keys() == set(_paths(out))
            and all((out / path).is_file() and sha256_of_file(out / path) == sha256 for path, sha256 in files.items())
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _paths(out: Path) -> list[str]:
    """Every file of the sample by its path in it, as the data sets' own annotations list them."""
    paths = [_MODEL, _ANCHORS, _LABELS, *_PHOTO_FILES]
    for folder in ("calibration", "test"):
        images = json.loads((out / folder / ANNOTATIONS_FILE).read_text("utf-8"))["images"]
        paths += [f"{folder}/{ANNOTATIONS_FILE}", *(f"{folder}/{image['file_name']}" for image in images)]
    return paths
