"""A source is recognised by its looks, and one that cannot be read is called by its name."""

import zipfile
from pathlib import Path

import pytest

from edgeproof.digests import sha256_of_file
from edgeproof.errors import NotAnSsdError
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
        ("model.tflite", b"\x1c\0\0\0TFL3" + b"\0" * 32, "a TFLite file"),
        ("model.h5", b"\x89HDF\r\n\x1a\n", "a Keras model"),
        ("model.keras", b"PK\x03\x04", "a Keras model"),
        ("model.onnx", b"\x08\x07", "an ONNX model"),
        ("model.pt", b"PK\x03\x04", "a PyTorch model"),
        ("model.json", b'{"format": "graph-model", "modelTopology": {}}', "a TensorFlow.js model"),
        ("pipeline.config", b"model {\n ssd {\n", "an Object Detection API checkpoint"),
        ("graph.pbtxt", b'node {\n  name: "x"\n', "a TensorFlow graph as text"),
        ("notes.pb", b"just some words", "a text file"),
        ("saved_model.pb", b"\x08\x01", "a TensorFlow SavedModel"),
        ("photo.jpg", b"\xff\xd8\xff\xe0\0", "no model that edgeproof knows"),
    ],
)
def test_what_cannot_be_read_is_called_by_its_name(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NotAnSsdError, match=rf"it looks like {words}\. This version reads: TensorFlow 1 frozen graph"):
        recognise_source(tmp_path / name)


def test_a_keras_archive_without_suffix_is_looked_into(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model", "w") as archive:
        archive.writestr("model.weights.h5", b"")
    with pytest.raises(NotAnSsdError, match="a Keras model"):
        recognise_source(tmp_path / "model")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("saved_model.pb", "a TensorFlow SavedModel"),
        ("checkpoint", "an Object Detection API checkpoint"),
        ("model.json", "a TensorFlow.js model"),
        ("photo.jpg", "a folder without a model"),
    ],
)
def test_folders_are_recognised_by_what_they_hold(tmp_path: Path, file: str, words: str) -> None:
    (tmp_path / file).write_bytes(b"x")
    with pytest.raises(NotAnSsdError, match=f"it looks like {words}"):
        recognise_source(tmp_path)


def test_a_missing_and_an_empty_file_have_their_own_words(tmp_path: Path) -> None:
    with pytest.raises(NotAnSsdError, match=r"model\.pb: there is no such file"):
        recognise_source(tmp_path / "model.pb")
    (tmp_path / "model.pb").touch()
    with pytest.raises(NotAnSsdError, match=r"model\.pb: the file is empty"):
        recognise_source(tmp_path / "model.pb")
