"""Recognises what a model source is, by its looks and without TensorFlow, and reads it by the reader for its kind."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgeproof.digests import sha256_of_file
from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.frozen_graph import KIND as FROZEN_GRAPH_KIND
from edgeproof.ssd.frozen_graph import read_frozen_graph
from edgeproof.ssd.model import SsdModel

Reader = Callable[[Path, Path | None, str | None], SsdModel]

_HEAD_BYTES = 4096


@dataclass(frozen=True)
class Looks:
    """What a source is recognised by."""

    path: Path
    head: bytes
    """The first bytes of a file; empty for a folder."""

    def holds(self, *names: str) -> bool:
        return any((self.path / name).exists() for name in names)

    def ends(self, *suffixes: str) -> bool:
        return self.path.suffix.lower() in suffixes

    def is_keras(self) -> bool:
        if self.head.startswith(b"\x89HDF") or self.ends(".keras", ".h5", ".hdf5"):
            return True
        if not self.head.startswith(b"PK\x03\x04") or not zipfile.is_zipfile(self.path):
            return False
        with zipfile.ZipFile(self.path) as archive:
            return "model.weights.h5" in archive.namelist()

    def is_text(self) -> bool:
        return bool(self.head) and all(byte >= 32 or byte in b"\t\n\r\f" for byte in self.head)


@dataclass(frozen=True)
class SourceKind:
    """A row of the table of what users have."""

    kind: str
    words: str
    fits: Callable[[Looks], bool]
    reader: Reader | None = None
    """None when edgeproof knows the kind but cannot read it."""


@dataclass(frozen=True)
class RecognisedSource:
    path: Path
    kind: SourceKind
    sha256: str

    def read(self, labels: Path | None = None, name: str | None = None) -> SsdModel:
        """Imports TensorFlow. Raises NotAnSsdError when it is no SSD, UsageError when `labels` do not fit."""
        assert self.kind.reader is not None
        return self.kind.reader(self.path, labels, name)


# The first row that fits counts, so the narrow ones come first.
_KINDS = (
    SourceKind(
        "saved-model",
        "a TensorFlow SavedModel",
        lambda looks: looks.holds("saved_model.pb") or looks.path.name == "saved_model.pb",
    ),
    SourceKind(
        "odapi-checkpoint",
        "an Object Detection API checkpoint",
        lambda looks: looks.holds("pipeline.config", "checkpoint") or looks.ends(".ckpt", ".index", ".meta", ".config"),
    ),
    SourceKind(
        "tfjs-graph-model",
        "a TensorFlow.js model",
        lambda looks: looks.holds("model.json") or b'"modelTopology"' in looks.head,
    ),
    SourceKind("tflite", "a TFLite file", lambda looks: looks.head[4:8] == b"TFL3"),
    SourceKind("keras", "a Keras model", Looks.is_keras),
    SourceKind("onnx", "an ONNX model", lambda looks: looks.ends(".onnx")),
    SourceKind("pytorch", "a PyTorch model", lambda looks: looks.ends(".pt", ".pth")),
    SourceKind("graph-text", "a TensorFlow graph as text", lambda looks: looks.head.startswith((b"node {", b"node:"))),
    SourceKind("text", "a text file", Looks.is_text),
    # A GraphDef is a protocol buffer that begins with field 1, a node.
    SourceKind(
        FROZEN_GRAPH_KIND,
        "a TensorFlow 1 frozen graph",
        lambda looks: looks.head.startswith(b"\x0a") or looks.ends(".pb"),
        read_frozen_graph,
    ),
)


def recognise_source(path: Path) -> RecognisedSource:
    """Tells what `path` is. Raises NotAnSsdError when there is nothing, or nothing that edgeproof reads."""
    if not path.exists():
        raise NotAnSsdError(f"{path}: there is no such file. Give a model to export. {_supported()}")
    head = b""
    try:
        if path.is_file():
            with path.open("rb") as file:
                head = file.read(_HEAD_BYTES)
            if not head:
                raise NotAnSsdError(f"{path}: the file is empty. Copy or download it again.")
        kind = next((kind for kind in _KINDS if kind.fits(Looks(path, head))), None)
        if kind is None:
            looks = "a folder without a model" if path.is_dir() else "no model that edgeproof knows"
        else:
            looks = kind.words
        if kind is None or kind.reader is None:
            raise NotAnSsdError(f"{path}: it looks like {looks}. {_supported()}")
        return RecognisedSource(path, kind, sha256_of_file(path))
    except OSError as error:
        raise NotAnSsdError(f"{path}: {error.strerror}.") from error


def read_source(path: Path, labels: Path | None = None, name: str | None = None) -> SsdModel:
    """Recognises and reads a model source. Raises NotAnSsdError, or UsageError when `labels` do not fit."""
    return recognise_source(path).read(labels, name)


def _supported() -> str:
    kinds = [kind.words.removeprefix("a ") for kind in _KINDS if kind.reader is not None]
    return f"This version reads: {', '.join(kinds)} (frozen_inference_graph.pb of the Object Detection API)."
