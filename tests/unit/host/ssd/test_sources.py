"""A source is recognised by its looks, and one that cannot be read is called by its name."""

import zipfile
from pathlib import Path

import pytest

from edgeproof.errors import NotAnSsdError
from edgeproof.local_files.digests import sha256_of_file
from edgeproof.ssd.sources import recognise_source


def test_a_frozen_graph_is_recognised_without_a_suffix(tiny_frozen_graph: Path, tmp_path: Path) -> None:
    copy = tmp_path / "model-from-a-friend"
    copy.write_bytes(tiny_frozen_graph.read_bytes())
    source = recognise_source(copy)
    assert source.kind.kind == "tf1-frozen-graph"
    assert source.sha256 == sha256_of_file(tiny_frozen_graph)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("model.ckpt-5.meta", b"\x0a\x01", "a TensorFlow 1 checkpoint"),
        ("graph.pbtxt", b'node {\n  name: "x"\n', "a TensorFlow graph as text"),
        ("notes.pb", b"just some words", "a text file"),
        ("photo.jpg", b"\xff\xd8\xff\xe0\0", "no model that edgeproof knows"),
    ],
)
def test_what_cannot_be_read_is_called_by_its_name(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(
        NotAnSsdError, match=rf"it looks like {words}\. This version reads: .*TensorFlow 1 frozen graph"
    ):
        recognise_source(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("model.onnx", b"\x08\x07", r"an ONNX model\. Make a \.tflite of it first: .*onnx2tf -i MODEL\.onnx -o FOLDER"),
        ("model.pth", b"PK\x03\x04", r"a PyTorch model\. .* edgeproof\.torch\.export\(model, size\)"),
    ],
)
def test_what_another_tool_or_call_reads_is_told(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NotAnSsdError, match=f"it looks like {words}"):
        recognise_source(tmp_path / name)


def test_a_keras_archive_without_suffix_is_looked_into(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model", "w") as archive:
        archive.writestr("model.weights.h5", b"")
    assert recognise_source(tmp_path / "model").kind.kind == "keras"


TFJS = b'{"format": "graph-model", "modelTopology": {}, "weightsManifest": []}'


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("model.tflite", b"\x1c\0\0\0TFL3" + b"\0" * 32, "tflite"),
        ("model.h5", b"\x89HDF\r\n\x1a\n", "keras"),
        ("model.keras", b"PK\x03\x04", "keras"),
        ("model.json", TFJS, "tfjs-graph-model"),
        ("saved_model.pb", b"\x08\x01", "saved-model"),
        ("saved_model.pb", b"\x08\x01 TFLite_Detection_PostProcess", "odapi-tflite-saved-model"),
        ("saved_model.pb", b"\x08\x01 raw_detection_boxes Postprocessor/", "odapi-saved-model"),
        ("graph.pb", b"\x0a\x01 TFLite_Detection_PostProcess", "tf1-tflite-graph"),
        ("graph.pb", b"\x0a\x01", "tf1-frozen-graph"),
    ],
)
def test_every_kind_is_told_by_its_content(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(content)
    source = recognise_source(tmp_path / name)
    assert source.kind.kind == kind
    assert source.kind.finished == (kind == "tflite")


@pytest.mark.parametrize("below", [".", "saved_model"])
def test_a_folder_with_a_saved_model_or_one_below_it_is_a_saved_model(tmp_path: Path, below: str) -> None:
    """The second is what exporter_main_v2 writes, beside a checkpoint and pipeline.config."""
    (tmp_path / below).mkdir(exist_ok=True)
    (tmp_path / below / "saved_model.pb").write_bytes(b"\x08\x01")
    (tmp_path / "pipeline.config").touch()
    assert recognise_source(tmp_path).kind.kind == "saved-model"


def test_the_digest_of_a_folder_is_that_of_its_content(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "variables").mkdir(parents=True)
        (tmp_path / name / "saved_model.pb").write_bytes(b"\x08\x01")
        (tmp_path / name / "variables" / "variables.index").write_bytes(b"weights")
    one, two = (recognise_source(tmp_path / name).sha256 for name in ("one", "two"))
    assert one == two
    (tmp_path / "two" / "variables" / "variables.index").write_bytes(b"other weights")
    assert recognise_source(tmp_path / "two").sha256 != one


def test_the_digest_of_a_tensorflow_js_model_is_over_its_shards_too(tmp_path: Path) -> None:
    manifest = b'{"modelTopology": {}, "weightsManifest": [{"paths": ["shard"], "weights": []}]}'
    (tmp_path / "model.json").write_bytes(manifest)
    (tmp_path / "shard").write_bytes(b"1234")
    before = recognise_source(tmp_path).sha256
    (tmp_path / "shard").write_bytes(b"4321")
    assert recognise_source(tmp_path).sha256 != before
    (tmp_path / "shard").unlink()
    with pytest.raises(NotAnSsdError, match="its shard shard is missing"):
        recognise_source(tmp_path)


def test_a_folder_is_recognised_by_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"x")
    with pytest.raises(NotAnSsdError, match="it looks like a folder without a model"):
        recognise_source(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("my_ssd/saved_model.pb", b"\x08\x01", "saved-model"),
        ("web/model.json", TFJS, "tfjs-graph-model"),
        ("frozen_inference_graph.pb", b"\x0a\x01", "tf1-frozen-graph"),
        ("best.tflite", b"\x1c\0\0\0TFL3" + b"\0" * 32, "tflite"),
        ("best.h5", b"\x89HDF\r\n\x1a\n", "keras"),
    ],
)
def test_a_folder_one_level_too_high_finds_the_model_inside(
    tmp_path: Path, name: str, content: bytes, kind: str
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(content)
    (tmp_path / "labels.txt").write_text("person\n")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    (tmp_path / ".cache").mkdir()
    source = recognise_source(tmp_path)
    assert source.kind.kind == kind
    assert source.path in ((tmp_path / name), (tmp_path / name).parent)


def test_a_folder_with_several_models_asks_for_one(tmp_path: Path) -> None:
    for name in ("one.pb", "two.pb"):
        (tmp_path / name).write_bytes(b"\x0a\x01")
    with pytest.raises(NotAnSsdError, match="2 models are in it: one.pb, two.pb. Give one of them"):
        recognise_source(tmp_path)


def test_a_missing_and_an_empty_file_have_their_own_words(tmp_path: Path) -> None:
    with pytest.raises(NotAnSsdError, match=r"model\.pb: there is no such file"):
        recognise_source(tmp_path / "model.pb")
    (tmp_path / "model.pb").touch()
    with pytest.raises(NotAnSsdError, match=r"model\.pb: the file is empty"):
        recognise_source(tmp_path / "model.pb")
