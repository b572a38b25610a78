"""The standard metadata of an exported .tflite: read back whole, and the model under it is as it was."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tflite
from flatbuffers.table import Table

from edgeproof.bundle import open_bundle
from edgeproof.ssd.files.label_files import LabelLines
from edgeproof.ssd.files.labels import Labels
from edgeproof.tflite.file import read_tflite
from edgeproof.tflite.metadata_attachment import attach_metadata
from edgeproof.tflite.metadata_reader import Normalization, read_metadata, read_packed_labels
from edgeproof.tflite.metadata_writer import describe_detector
from edgeproof_agent.bundle.manifest import OutputContract, RawHeadsContract
from edgeproof_agent.detection.interpreters import build_interpreter, import_runtime
from tests.support.networks.plain_tflite import schema, without_metadata

VARIANTS = ("dynamic", "float16", "float32", "int16x8", "int8")


def record_of(data: bytes) -> bytes:
    model = tflite.Model.GetRootAs(data, 0)
    entries = [model.Metadata(index) for index in range(model.MetadataLength())]
    (entry,) = [entry for entry in entries if entry.Name() == b"TFLITE_METADATA"]
    return bytes(model.Buffers(entry.Buffer()).DataAsNumpy())


class Record:
    """A table of the record by positions, read without the code under test."""

    def __init__(self, data: bytes, position: int) -> None:
        self.table = Table(data, position)

    def _at(self, field: int) -> int:
        offset = self.table.Offset(4 + 2 * field)
        assert offset, f"field {field} is missing"
        return int(offset)

    def child(self, field: int) -> "Record":
        return Record(self.table.Bytes, self.table.Indirect(self.table.Pos + self._at(field)))

    def children(self, field: int) -> "list[Record]":
        at = self._at(field)
        begin, count = self.table.Vector(at), self.table.VectorLen(at)
        return [Record(self.table.Bytes, self.table.Indirect(begin + 4 * index)) for index in range(count)]

    def text(self, field: int) -> str:
        return bytes(self.table.String(self.table.Pos + self._at(field))).decode()

    def scalar(self, field: int, kind: Any) -> int:
        return int(np.frombuffer(self.table.Bytes, kind, 1, self.table.Pos + self._at(field))[0])

    def numbers(self, field: int, kind: Any) -> list[float]:
        at = self._at(field)
        return list(np.frombuffer(self.table.Bytes, kind, self.table.VectorLen(at), self.table.Vector(at)))


def root_of(data: bytes) -> Record:
    record = record_of(data)
    assert record[4:8] == b"M001"
    return Record(record, int.from_bytes(record[:4], "little"))


@pytest.mark.parametrize("variant", VARIANTS)
def test_our_own_reader_reads_back_what_an_export_wrote(tiny_bundles: dict[str, Path], variant: str) -> None:
    bundle = open_bundle(tiny_bundles[variant])
    data = (bundle.path / "model.tflite").read_bytes()
    metadata = read_metadata(data, "model")
    assert metadata.normalization == Normalization(bundle.manifest.input.mean, bundle.manifest.input.std)
    assert metadata.label_files == ("labels.txt",)
    assert read_packed_labels(data, metadata, "model") == LabelLines(tuple(bundle.labels()))


@pytest.mark.parametrize("variant", ["float32", "int8"])
def test_raw_heads_say_their_labels_and_normalisation_too(tiny_raw_bundles: dict[str, Path], variant: str) -> None:
    bundle = open_bundle(tiny_raw_bundles[variant])
    data = (bundle.path / "model.tflite").read_bytes()
    metadata = read_metadata(data, "model")
    assert metadata.normalization == Normalization(bundle.manifest.input.mean, bundle.manifest.input.std)
    assert read_packed_labels(data, metadata, "model") == LabelLines(("???", *bundle.labels()))

    output = bundle.manifest.output
    assert isinstance(output, RawHeadsContract)
    outputs = root_of(data).children(3)[0].children(3)
    assert outputs[output.box_encodings].text(0) == "box encodings"
    scores = outputs[output.class_scores]
    assert scores.text(0) == "class scores"
    (file,) = scores.children(6)
    # Labels of an axis: its columns, the first of which is the background.
    assert (file.text(0), file.scalar(2, "<u1")) == ("labels.txt", 2)


def test_the_record_says_what_the_input_and_each_output_are(tiny_bundles: dict[str, Path]) -> None:
    bundle = open_bundle(tiny_bundles["int8"])
    contract, output = bundle.manifest.input, bundle.manifest.output
    assert isinstance(output, OutputContract)
    root = root_of((bundle.path / "model.tflite").read_bytes())
    assert (root.text(0), root.text(7)) == ("tiny", "1.0.0")
    (subgraph,) = root.children(3)
    (image,) = subgraph.children(2)
    assert image.text(0) == "image"
    assert image.child(3).scalar(0, "<u1") == 2
    properties = image.child(3).child(1)
    assert properties.scalar(0, "<u1") == 1
    assert [properties.child(1).scalar(field, "<u4") for field in (0, 1)] == [contract.width, contract.height]
    (unit,) = image.children(4)
    assert unit.scalar(0, "<u1") == 1
    assert unit.child(1).numbers(0, "<f4") == list(contract.mean)
    assert unit.child(1).numbers(1, "<f4") == list(contract.std)

    outputs = subgraph.children(3)
    places = (output.boxes, output.classes, output.scores, output.count)
    names = ["location", "category", "score", "number of detections"]
    assert [outputs[place].text(0) for place in places] == names
    assert [outputs[place].child(3).scalar(0, "<u1") for place in places] == [3, 1, 1, 1]
    for place in places[:3]:
        assert [outputs[place].child(3).child(2).scalar(field, "<i4") for field in (0, 1)] == [2, 2]
    boxes = outputs[output.boxes].child(3).child(1)
    assert boxes.numbers(0, "<u4") == [1, 0, 3, 2]
    assert (boxes.scalar(1, "<u1"), boxes.scalar(2, "<u1")) == (1, 0)
    (file,) = outputs[output.classes].children(6)
    assert (file.text(0), file.scalar(2, "<u1")) == ("labels.txt", 3)


def test_other_tools_find_the_labels_as_a_zip_behind_the_model(tiny_bundles: dict[str, Path]) -> None:
    bundle = open_bundle(tiny_bundles["float32"])
    with zipfile.ZipFile(bundle.path / "model.tflite") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["labels.txt"]
        assert archive.read("labels.txt").decode().splitlines() == bundle.labels()
        assert archive.getinfo("labels.txt").compress_type == zipfile.ZIP_STORED


def test_packed_labels_begin_with_class_0_and_not_with_the_background(tiny_bundles: dict[str, Path]) -> None:
    bundle = open_bundle(tiny_bundles["float32"])
    manifest, data = bundle.manifest, (bundle.path / "model.tflite").read_bytes()
    assert isinstance(manifest.output, OutputContract)
    labels = Labels(("background", "grün", "???"), label_offset=1)
    described = describe_detector(data, "tiny", manifest.input, manifest.output, labels)
    with zipfile.ZipFile(io.BytesIO(described)) as archive:
        assert archive.read("labels.txt").decode() == "grün\n???\n"


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_model_under_the_metadata_is_as_it_was(tiny_bundles: dict[str, Path], variant: str) -> None:
    before = without_metadata((tiny_bundles[variant] / "model.tflite").read_bytes())
    after = attach_metadata(before, b"record", {"notes.txt": b"text"})
    old, new = (schema.ModelT.InitFromPackedBuf(data, 0) for data in (before, after))
    assert (new.version, new.description) == (old.version, old.description)
    assert new.metadataBuffer is old.metadataBuffer is None or list(new.metadataBuffer) == list(old.metadataBuffer)
    assert len(new.buffers) == len(old.buffers) + 1
    for one, other in zip(old.buffers, new.buffers, strict=False):
        assert (one.data is None) == (other.data is None)
        assert one.data is None or bytes(one.data) == bytes(other.data)
    assert [entry.name for entry in new.metadata] == [*(entry.name for entry in old.metadata), b"TFLITE_METADATA"]
    one, other = (read_tflite(data) for data in (before, after))
    assert {**vars(one), "size_bytes": 0} == {**vars(other), "size_bytes": 0}


@pytest.mark.parametrize("length", range(16))
def test_weights_stay_aligned_whatever_the_file_s_length(tiny_bundles: dict[str, Path], length: int) -> None:
    data = (tiny_bundles["float32"] / "model.tflite").read_bytes() + bytes(length)
    described = attach_metadata(data, bytes(length + 1), {})
    assert [address % 16 for address in addresses(described)[:-1]] == [address % 16 for address in addresses(data)]
    assert addresses(described)[-1] % 16 == 0


def addresses(data: bytes) -> list[int]:
    """Where the data of each buffer begin."""
    model = tflite.Model.GetRootAs(data, 0)
    tables = (model.Buffers(index)._tab for index in range(model.BuffersLength()))
    return [table.Vector(table.Offset(4)) for table in tables if table.Offset(4)]


def test_metadata_that_is_there_is_replaced(tiny_bundles: dict[str, Path]) -> None:
    data = (tiny_bundles["float32"] / "model.tflite").read_bytes()
    assert record_of(attach_metadata(data, b"another", {})) == b"another"


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_runs_as_without_metadata(tiny_bundles: dict[str, Path], variant: str) -> None:
    described = (tiny_bundles[variant] / "model.tflite").read_bytes()
    found = []
    for data in (described, without_metadata(described)):
        interpreter = build_interpreter(import_runtime("ai-edge-litert"), data, 1)
        tensor = interpreter.get_input_details()[0]
        random = np.random.default_rng(0)
        values = (
            random.integers(0, 256, tensor["shape"]) if tensor["dtype"] == np.uint8 else random.random(tensor["shape"])
        )
        interpreter.set_tensor(tensor["index"], values.astype(tensor["dtype"]))
        interpreter.invoke()
        found.append([interpreter.get_tensor(output["index"]).copy() for output in interpreter.get_output_details()])
    count = int(min(output.ravel()[0] for output in found[0] if output.size == 1))
    for one, other in zip(*found, strict=True):
        valid = slice(None) if one.ndim == 1 else (slice(None), slice(count))
        np.testing.assert_array_equal(one[valid], other[valid])
