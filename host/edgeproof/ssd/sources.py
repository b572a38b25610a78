"""Recognises what a model source is, by its looks and without TensorFlow, and reads it by the reader for its kind."""

import itertools
import mmap
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgeproof.errors import NotAnSsdError
from edgeproof.local_files.bounded_files import why_unreadable
from edgeproof.local_files.digests import sha256_of_file
from edgeproof.ssd.checkpoint import checkpoint_source
from edgeproof.ssd.checkpoint.checkpoint_files import digest_checkpoint, is_checkpoint_path, is_prefix
from edgeproof.ssd.model import SsdModel
from edgeproof.ssd.readers import (
    frozen_graph,
    keras_model,
    odapi_saved_model,
    odapi_tflite_saved_model,
    saved_model,
    tfjs,
    tflite_graph,
)
from edgeproof.ssd.source_options import BOX_CONVENTIONS, INPUT_CONVENTIONS, SourceOptions

Reader = Callable[[Path, Path | None, str | None, SourceOptions], SsdModel]

TFLITE_KIND = "tflite"
_HEAD_BYTES = 4096
_MOST_ENTRIES, _SHOWN = 1000, 5


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

    def is_saved_model(self) -> bool:
        folder = saved_model.saved_model_folder(self.path)
        file = folder / saved_model.SAVED_MODEL_FILE
        return file.is_file() and (self.path.is_dir() or self.path == file)

    def saved_model_says(self, *words: bytes) -> bool:
        """Whether it is a SavedModel whose graph holds all these words."""
        graph = saved_model.saved_model_folder(self.path) / saved_model.SAVED_MODEL_FILE
        return self.is_saved_model() and _holds_all(graph, words)

    def says(self, word: bytes) -> bool:
        return self.path.is_file() and _holds_all(self.path, (word,))


def _holds_all(file: Path, words: tuple[bytes, ...]) -> bool:
    with file.open("rb") as opened:
        if not file.stat().st_size:
            return False
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return all(data.find(word) >= 0 for word in words)


@dataclass(frozen=True)
class SourceKind:
    """A row of the table of what users have."""

    kind: str
    words: str
    fits: Callable[[Looks], bool]
    reader: Reader | None = None
    """None when edgeproof knows the kind but cannot read it, and for a finished file."""
    digest: Callable[[Path], str] = sha256_of_file
    remedy: str = ""
    """What to do with a kind that edgeproof cannot read."""
    finished: bool = False
    """Whether it is converted already, so that it becomes a bundle as it is."""

    @property
    def supported(self) -> bool:
        return self.reader is not None or self.finished


@dataclass(frozen=True)
class RecognisedSource:
    path: Path
    kind: SourceKind
    sha256: str
    tools: Mapping[str, str] = field(default_factory=dict)
    """Name and version of what else takes part in reading it."""

    def read(
        self, labels: Path | None = None, name: str | None = None, options: SourceOptions | None = None
    ) -> SsdModel:
        """Imports TensorFlow. Raises NotAnSsdError when it is no SSD, UsageError when labels or options do not fit."""
        assert self.kind.reader is not None, "a finished file is not read, but packed as it is"
        options = options or SourceOptions()
        if self.kind.kind not in _SAY_NOTHING_THEMSELVES:
            why = f"{self.kind.words} says it itself"
            options.require_none_said(str(self.path), why, *BOX_CONVENTIONS, *INPUT_CONVENTIONS)
        return self.kind.reader(self.path, labels, name, options)


_SAY_NOTHING_THEMSELVES = (saved_model.KIND, keras_model.KIND, frozen_graph.KIND, tfjs.KIND)
"""Kinds of sources whose conventions the options say."""


_ONNX = (
    " Make a .tflite of it first: pip install onnx2tf, then onnx2tf -i MODEL.onnx -o FOLDER, and give the "
    "FOLDER/..._float32.tflite with what it means: --family torchvision-ssdlite, say, and --anchors. Its outputs must "
    "be the network's heads, box predictions and class predictions, so export without decoding and suppression."
)
_PYTORCH = (
    " A file of weights has no network. Build the network in Python, load the weights into it, and call "
    "edgeproof.torch.export(model, size), which reads torchvision's SSDs and RetinaNet (pip install "
    "'edgeproof[torch]')."
)

# The first row that fits counts, so the narrow ones come first.
_KINDS = (
    SourceKind(
        odapi_tflite_saved_model.KIND,
        "a SavedModel of export_tflite_graph_tf2",
        lambda looks: looks.saved_model_says(tflite_graph.OPERATOR.encode()),
        odapi_tflite_saved_model.read_odapi_tflite_saved_model,
        saved_model.digest_saved_model,
    ),
    SourceKind(
        odapi_saved_model.KIND,
        "a TensorFlow 2 Object Detection API SavedModel",
        lambda looks: looks.saved_model_says(b"raw_detection_boxes", b"Postprocessor/"),
        odapi_saved_model.read_odapi_saved_model,
        saved_model.digest_saved_model,
    ),
    SourceKind(
        saved_model.KIND,
        "a TensorFlow SavedModel",
        Looks.is_saved_model,
        saved_model.read_saved_model,
        saved_model.digest_saved_model,
    ),
    SourceKind(
        checkpoint_source.KIND,
        "a TensorFlow 2 Object Detection API checkpoint",
        lambda looks: is_checkpoint_path(looks.path),
        checkpoint_source.read_checkpoint,
        digest_checkpoint,
    ),
    SourceKind("tf1-checkpoint", "a TensorFlow 1 checkpoint", lambda looks: looks.ends(".meta", ".ckpt")),
    SourceKind(
        tfjs.KIND,
        "a TensorFlow.js model",
        lambda looks: looks.holds(tfjs.MODEL_FILE) or b'"modelTopology"' in looks.head,
        tfjs.read_tfjs_model,
        tfjs.digest_tfjs_model,
    ),
    SourceKind(TFLITE_KIND, "a TFLite file", lambda looks: looks.head[4:8] == b"TFL3", finished=True),
    SourceKind(keras_model.KIND, "a Keras model", Looks.is_keras, keras_model.read_keras_model),
    SourceKind("onnx", "an ONNX model", lambda looks: looks.ends(".onnx"), remedy=_ONNX),
    SourceKind("pytorch", "a PyTorch model", lambda looks: looks.ends(".pt", ".pth"), remedy=_PYTORCH),
    SourceKind("graph-text", "a TensorFlow graph as text", lambda looks: looks.head.startswith((b"node {", b"node:"))),
    SourceKind("text", "a text file", Looks.is_text),
    # A GraphDef is a protocol buffer that begins with field 1, a node.
    SourceKind(
        tflite_graph.KIND,
        "a TensorFlow 1 graph with the post-processing operator",
        lambda looks: (
            (looks.head.startswith(b"\x0a") or looks.ends(".pb")) and looks.says(tflite_graph.OPERATOR.encode())
        ),
        tflite_graph.read_tflite_graph,
    ),
    SourceKind(
        frozen_graph.KIND,
        "a TensorFlow 1 frozen graph",
        lambda looks: looks.head.startswith(b"\x0a") or looks.ends(".pb"),
        frozen_graph.read_frozen_graph,
        frozen_graph.digest_frozen_graph,
    ),
)


def recognise_source(path: Path) -> RecognisedSource:
    """Tells what `path` is. Raises NotAnSsdError when there is nothing, or nothing that edgeproof reads."""
    if not path.exists() and not is_prefix(path):
        raise NotAnSsdError(f"{path}: there is no such file. Give a model to export. {_supported()}")
    head = b""
    try:
        if path.is_file():
            with path.open("rb") as file:
                head = file.read(_HEAD_BYTES)
            if not head:
                raise NotAnSsdError(f"{path}: the file is empty. Copy or download it again.")
        kind = _kind_of(path, head)
        if kind is None and path.is_dir():
            inside = list(_models_in(path))
            if len(inside) == 1:
                return recognise_source(inside[0])
            if inside:
                names = ", ".join(item.name for item in inside[:_SHOWN])
                raise NotAnSsdError(f"{path}: {len(inside)} models are in it: {names}. Give one of them.")
        if kind is None:
            looks = "a folder without a model" if path.is_dir() else "no model that edgeproof knows"
        else:
            looks = kind.words
        if kind is None or not kind.supported:
            remedy = "" if kind is None else kind.remedy
            raise NotAnSsdError(f"{path}: it looks like {looks}.{remedy or f' {_supported()}'}")
        return RecognisedSource(path, kind, kind.digest(path))
    except OSError as error:
        raise NotAnSsdError(f"{path}: {why_unreadable(error)}.") from error


def _kind_of(path: Path, head: bytes) -> SourceKind | None:
    return next((kind for kind in _KINDS if kind.fits(Looks(path, head))), None)


def _models_in(folder: Path) -> Iterator[Path]:
    """Files and folders directly in it that can be read: the folder is one level too high."""
    entries = itertools.islice(folder.iterdir(), _MOST_ENTRIES)
    for entry in sorted(entry for entry in entries if not entry.name.startswith(".")):
        head = b""
        if entry.is_file():
            with entry.open("rb") as file:
                head = file.read(_HEAD_BYTES)
        kind = _kind_of(entry, head) if head or entry.is_dir() else None
        if kind is not None and kind.supported:
            yield entry


def _supported() -> str:
    kinds = [kind.words.removeprefix("a ") for kind in _KINDS if kind.supported]
    return f"This version reads: {', '.join(kinds)}."
