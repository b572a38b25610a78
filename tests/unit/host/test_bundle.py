"""A bundle verifies itself, is written whole or not at all, and has the same digest for the same content."""

import errno
import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from edgeproof.bundle import Bundle, manifest_beside, open_bundle, require_writable, write_bundle, write_zip
from edgeproof.errors import BundleError
from edgeproof_agent.bundle.manifest import (
    ColourOrder,
    Coordinates,
    Decoder,
    InputContract,
    InputType,
    Manifest,
    OutputContract,
    Quantization,
)

MANIFEST = Manifest(
    name="tiny",
    variant="int8",
    files={},
    input=InputContract(
        height=64,
        width=48,
        colour_order=ColourOrder.RGB,
        coordinates=Coordinates.ASYMMETRIC,
        mean=(127.5, 127.5, 127.5),
        std=(127.5, 127.5, 127.5),
        dtype=InputType.UINT8,
        quantization=Quantization(scale=0.0078125, zero_point=127),
    ),
    output=OutputContract(Decoder.IN_GRAPH, boxes=1, classes=2, scores=3, count=0, max_detections=10),
    label_offset=0,
    category_offset=1,
    provenance={"source": {"sha256": "ab" * 32}},
)
LABELS = ["person", "Fußgänger in Grün"]


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_bundle(tmp_path / "out" / "int8", MANIFEST, b"model bytes", LABELS)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_what_is_opened(bundle: Bundle) -> None:
    again = open_bundle(bundle.path)
    assert again == bundle
    assert again.labels() == LABELS
    assert again.manifest.input == MANIFEST.input
    assert again.manifest.output == MANIFEST.output
    assert again.manifest.provenance == MANIFEST.provenance
    assert again.model_path.read_bytes() == b"model bytes"
    assert names(bundle.path) == ["bundle.json", "labels.txt", "model.tflite"]


def test_the_same_content_has_the_same_digest_wherever_it_lies(bundle: Bundle, tmp_path: Path) -> None:
    elsewhere = write_bundle(tmp_path / "elsewhere", MANIFEST, b"model bytes", LABELS)
    assert elsewhere.digest == bundle.digest
    assert (elsewhere.path / "bundle.json").read_bytes() == (bundle.path / "bundle.json").read_bytes()


@pytest.mark.parametrize(("model", "labels"), [(b"other bytes", LABELS), (b"model bytes", ["person", "cat"])])
def test_other_content_has_another_digest(bundle: Bundle, tmp_path: Path, model: bytes, labels: list[str]) -> None:
    assert write_bundle(tmp_path / "other", MANIFEST, model, labels).digest != bundle.digest


def test_nothing_but_the_bundle_is_left_beside_it(bundle: Bundle) -> None:
    assert names(bundle.path.parent) == ["int8"]


def test_a_new_bundle_replaces_the_old_one(bundle: Bundle) -> None:
    newer = write_bundle(bundle.path, MANIFEST, b"newer model", LABELS)
    assert open_bundle(bundle.path).digest == newer.digest != bundle.digest
    assert names(bundle.path.parent) == ["int8"]


def test_a_write_that_fails_leaves_the_old_bundle_and_no_rubbish(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(path: Path) -> Bundle:
        raise KeyboardInterrupt(path)

    with monkeypatch.context() as patched:
        patched.setattr("edgeproof.bundle.open_bundle", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_bundle(bundle.path, MANIFEST, b"newer model", LABELS)
    assert open_bundle(bundle.path).digest == bundle.digest
    assert names(bundle.path.parent) == ["int8"]


def test_an_interrupt_between_the_two_renames_brings_the_old_bundle_back(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_bundle(bundle.path, MANIFEST, b"newer model", LABELS)
    assert open_bundle(bundle.path).digest == bundle.digest


def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "int8").mkdir()
    (tmp_path / "int8" / "thesis.txt").write_text("mine")
    with pytest.raises(BundleError, match="other files than a bundle"):
        write_bundle(tmp_path / "int8", MANIFEST, b"model", LABELS)
    assert (tmp_path / "int8" / "thesis.txt").read_text() == "mine"


def test_a_place_that_cannot_take_bundles_is_named_before_and_while_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BundleError, match=r"file: it is a file, .* Choose another --out"):
        require_writable(tmp_path / "file" / "deeper")
    require_writable(tmp_path / "new" / "deeper")
    assert names(tmp_path) == ["file"]

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("edgeproof.bundle.tempfile.TemporaryDirectory", full)
    with pytest.raises(BundleError, match=r"new: the disk is full there"):
        require_writable(tmp_path / "new")
    with pytest.raises(BundleError, match=r"new.int8: the disk is full there\. Free some space, or choose"):
        write_bundle(tmp_path / "new" / "int8", MANIFEST, b"model", LABELS)


def test_a_label_with_a_line_break_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="line break"):
        write_bundle(tmp_path / "int8", MANIFEST, b"model", ["a\nb"])


def test_a_changed_file_is_named(bundle: Bundle) -> None:
    bundle.model_path.write_bytes(b"model bytez")
    with pytest.raises(BundleError, match=r"model\.tflite: its content is not .*Export it again"):
        open_bundle(bundle.path)


def test_a_cut_file_is_named_with_its_sizes(bundle: Bundle) -> None:
    bundle.model_path.write_bytes(b"model")
    with pytest.raises(BundleError, match=r"model\.tflite: it has 5 bytes, bundle.json says 11"):
        open_bundle(bundle.path)


def test_a_missing_file_is_named(bundle: Bundle) -> None:
    (bundle.path / "labels.txt").unlink()
    with pytest.raises(BundleError, match=r"labels\.txt: the file is missing"):
        open_bundle(bundle.path)


def test_no_folder_and_a_folder_without_manifest_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="there is no bundle"):
        open_bundle(tmp_path / "nowhere")
    with pytest.raises(BundleError, match=r"holds no bundle\.json"):
        open_bundle(tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is broken .Expecting value"),
        (b"\xff\xfe", "it is not UTF-8"),
        (b"[" * 100_000, "it is nested too deep"),
        (b"[]", "must be a JSON object"),
        (b'{"schema": "edgeproof.bundle/9"}', "edgeproof.bundle/9"),
        (b" " * 2_000_000, "it is over 1 MiB long"),
    ],
)
def test_a_broken_manifest_says_what_is_wrong(bundle: Bundle, content: bytes, reason: str) -> None:
    (bundle.path / "bundle.json").write_bytes(content)
    with pytest.raises(BundleError, match=reason):
        open_bundle(bundle.path)


def test_a_manifest_cannot_name_a_file_outside_the_bundle(bundle: Bundle) -> None:
    manifest = json.loads((bundle.path / "bundle.json").read_text())
    manifest["files"]["../escape"] = manifest["files"]["model.tflite"]
    (bundle.path / "bundle.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="escape"):
        open_bundle(bundle.path)


@pytest.mark.parametrize("name", ["bundle.json", "model.tflite", "labels.txt"])
def test_a_pipe_or_a_folder_in_place_of_a_file_is_neither_waited_for_nor_read(bundle: Bundle, name: str) -> None:
    (bundle.path / name).unlink()
    os.mkfifo(bundle.path / name)
    with pytest.raises(BundleError, match=rf"{name}: it is no regular file. Export it again"):
        open_bundle(bundle.path)
    assert manifest_beside(bundle.path / "model.tflite", b"") is None
    (bundle.path / name).unlink()
    (bundle.path / name).mkdir()
    with pytest.raises(BundleError, match=rf"{name}: it is no regular file. Export it again"):
        open_bundle(bundle.path)


def test_a_bundle_that_cannot_be_written_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(BundleError, match="the disk is full there. Free some space, or choose another --out"):
        write_bundle(tmp_path / "a" / "b" / "int8", MANIFEST, b"model bytes", LABELS)
    assert names(tmp_path) == []


def test_a_copied_bundle_is_the_same_bundle(bundle: Bundle, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle.path, tmp_path / "copy"))
    assert open_bundle(copy).digest == bundle.digest


def test_a_zip_holds_the_whole_bundle_and_is_the_same_every_time(tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "int8"
    shutil.copytree(tiny_bundles["int8"], copy)
    first = write_zip(open_bundle(copy)).read_bytes()
    assert write_zip(open_bundle(copy)).read_bytes() == first
    with zipfile.ZipFile(tmp_path / "int8.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    assert open_bundle(tmp_path / "unpacked" / "int8").digest == open_bundle(copy).digest
