"""Other programs' own detectors on exported files of the shapes detector: boxes, names and scores of the agent."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgeproof.bundle import open_bundle
from edgeproof.sample.shapes import ShapesSample, fetch_shapes
from edgeproof_agent.detection.detector import load_detector
from edgeproof_agent.detection.interpreters import import_runtime
from edgeproof_agent.pictures.decoding import decode_picture
from tests.support.interpreters import find_python
from tests.support.places import BUILT

_SCRIPT = Path(__file__).parent / "detect.py"
_SURE = 0.5


@dataclass(frozen=True)
class Library:
    name: str
    python: str
    requirements: tuple[str, ...]


TASK_LIBRARY = Library("tflite-support", "3.9", ("tflite-support==0.4.4", "numpy==1.26.4"))
MEDIAPIPE = Library("mediapipe", "3.11", ("mediapipe==0.10.21",))
OPENCV = Library("opencv", "3.11", ("opencv-python-headless==4.11.0.86", "numpy==1.26.4"))

Found = list[tuple[list[float], str, float]]
"""x, y, width, height in pixels; name; score."""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> ShapesSample:
    return fetch_shapes(tmp_path_factory.mktemp("shapes") / "sample")


@pytest.fixture(scope="module")
def bundles(sample: ShapesSample) -> Path:
    out = sample.path / "bundles"
    command = [sys.executable, "-m", "edgeproof", "export", sample.model, "--anchors", sample.anchors]
    command += ["--labels", sample.labels, "--variant", "float32", "--variant", "int8", "--out", out]
    command += ["--images", sample.calibration, "--input-range=-1..1"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


def python_of(library: Library) -> Path:
    """Its interpreter, in an environment that is made whole or not at all, and kept."""
    found = find_python(library.python)
    if found is None:
        pytest.skip(f"{library.name}: no Python {library.python} on this machine")
    folder = BUILT / "readers" / "-".join(part.replace("==", "-") for part in library.requirements)
    if not folder.is_dir():
        try:
            subprocess.run([found, "-m", "venv", folder], check=True, capture_output=True, text=True)
            install = [str(folder / "bin" / "pip"), "install", "--quiet", "--only-binary=:all:", *library.requirements]
            subprocess.run(install, check=True, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            shutil.rmtree(folder, ignore_errors=True)
            pytest.skip(f"{library.name}: {error.stderr.strip().splitlines()[-1]}")
    return folder / "bin" / "python"


def read_by(library: Library, bundle: Path, picture: Path) -> Found:
    command = [python_of(library), _SCRIPT, library.name, bundle / "model.tflite", picture]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return [(box, name, score) for box, name, score in json.loads(done.stdout) if score > _SURE]


def read_by_agent(bundle: Path, picture: Path) -> Found:
    opened = open_bundle(bundle)
    data = picture.read_bytes()
    height, width = decode_picture(data).shape[:2]
    found = load_detector(bundle, import_runtime("ai-edge-litert"), threads=1).detect_encoded(data)
    rows = []
    for (top, left, bottom, right), kind, score in zip(found.boxes, found.classes, found.scores, strict=True):
        box = [left * width, top * height, (right - left) * width, (bottom - top) * height]
        name = opened.labels()[int(kind) + opened.manifest.label_offset]
        rows.append(([float(side) for side in box], name, float(score)))
    return [row for row in rows if row[2] > _SURE]


@pytest.mark.parametrize("variant", ["float32", "int8"])
@pytest.mark.parametrize("library", [TASK_LIBRARY, MEDIAPIPE], ids=lambda library: library.name)
def test_it_finds_what_the_agent_finds(bundles: Path, sample: ShapesSample, library: Library, variant: str) -> None:
    compared = 0
    for picture in sample.photos:
        theirs = read_by(library, bundles / variant, picture)
        ours = read_by_agent(bundles / variant, picture)
        # Their resizing of pictures is another, which moves scores a little.
        assert len(theirs) == pytest.approx(len(ours), abs=1), picture
        for box, name, score in ours:
            near = [row for row in theirs if row[1] == name and max(map(_distance, row[0], box)) < 6]
            if score > _SURE + 0.2:
                assert near, f"{picture.name}: {name} {score:.2f} at {box} is not among {theirs}"
            compared += len(near)
    assert compared >= 8


def _distance(one: float, other: float) -> float:
    return abs(one - other)


def test_opencv_reads_the_operator_and_takes_the_background_for_a_class(bundles: Path, sample: ShapesSample) -> None:
    """Why `inspect --for opencv` refuses it: when this fails, OpenCV has learnt it."""
    found = read_by(OPENCV, bundles / "float32", sample.photos[0])
    ours = read_by_agent(bundles / "float32", sample.photos[0])
    right = [row for row in ours if any(max(map(_distance, row[0], other[0])) < 6 for other in found)]
    assert len(right) < len(ours)
