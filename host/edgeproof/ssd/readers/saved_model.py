"""Reads a TensorFlow 2 SavedModel: raw heads in its signature, or the Object Detection API's two kinds."""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from edgeproof.errors import NotAnSsdError
from edgeproof.local_files.bounded_files import MAX_MODEL_BYTES, read_bounded, readable
from edgeproof.local_files.digests import sha256_of_file
from edgeproof.ssd.graph.judged_messages import judged_saved_model
from edgeproof.ssd.graph.safety import require_harmless_saved_model
from edgeproof.ssd.model import SsdModel
from edgeproof.ssd.readers.freezing import freeze
from edgeproof.ssd.readers.network_heads import SignatureNetwork
from edgeproof.ssd.readers.signature_network import read_signature_network
from edgeproof.ssd.source_options import SourceOptions
from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet

KIND = "saved-model"
SAVED_MODEL_FILE = "saved_model.pb"
_SIGNATURES = ("serving_default", "serve", "predict")


def read_saved_model(
    path: Path, labels: Path | None = None, name: str | None = None, options: SourceOptions | None = None
) -> SsdModel:
    """Box encodings and class predictions are outputs of the signature; anchors are beside them or in a file.

    Raises NotAnSsdError or UsageError.
    """
    folder = saved_model_folder(path)
    network, signature = freeze_saved_model(folder)
    description = f"SavedModel, signature '{signature}'"
    digest = digest_saved_model(path)
    return read_signature_network(network, folder, KIND, description, digest, labels, name, options or SourceOptions())


def freeze_saved_model(folder: Path) -> tuple[SignatureNetwork, str]:
    """The network of the serving signature, functions in line, and the signature's name. Raises NotAnSsdError."""
    require_harmless_saved_model(_read_message(folder, judged_saved_model), str(folder))
    _require_own_files(folder)
    tensorflow = import_tensorflow()
    try:
        with quiet():
            loaded = tensorflow.saved_model.load(str(folder))
            signatures = dict(loaded.signatures)
    except Exception as error:  # TensorFlow raises whatever its loader meets
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise NotAnSsdError(f"{folder}: TensorFlow cannot load the SavedModel: {reason.strip()}") from error
    name = next((item for item in _SIGNATURES if item in signatures), None)
    if name is None and len(signatures) == 1:
        name = next(iter(signatures))
    if name is None:
        found = ", ".join(signatures) or "none"
        raise NotAnSsdError(
            f"{folder}: it has no signature '{_SIGNATURES[0]}' (found: {found}). "
            "Save it with tf.saved_model.save(..., signatures=...) or model.export(...)."
        )
    function = signatures[name]
    with quiet():
        return freeze(function, sorted(function.structured_outputs), str(folder)), str(name)


def saved_model_folder(path: Path) -> Path:
    """The folder, also when saved_model.pb itself, or a folder above `saved_model/`, was given."""
    if path.is_file():
        return path.parent
    return path if (path / SAVED_MODEL_FILE).is_file() else path / "saved_model"


def digest_saved_model(path: Path) -> str:
    """SHA-256 over the graph, variables and assets, each by its path in the folder and its SHA-256."""
    folder = saved_model_folder(path)
    files = [folder / SAVED_MODEL_FILE]
    files += [file for part in ("variables", "assets") for file in sorted((folder / part).rglob("*")) if file.is_file()]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + bytes.fromhex(sha256_of_file(file)))
    return digest.hexdigest()


def _read_message(folder: Path, parsed: Callable[[bytes], Any]) -> Any:
    """The message in a folder's `saved_model.pb`. Raises NotAnSsdError."""
    path = folder / SAVED_MODEL_FILE
    with readable(path, NotAnSsdError, "Copy or export it again."):
        return parsed(read_bounded(path, MAX_MODEL_BYTES))


def _saved_model(data: bytes) -> Any:
    import_tensorflow()  # without its noise
    from tensorflow.core.protobuf import saved_model_pb2

    return saved_model_pb2.SavedModel.FromString(data)


def _require_own_files(folder: Path) -> None:
    """TensorFlow follows links: a stranger's SavedModel reads nothing outside of its folder."""
    for part in ("variables", "assets", "assets.extra"):
        for file in [folder / part, *(folder / part).rglob("*")]:
            if file.is_symlink():
                raise NotAnSsdError(f"{file}: it is a link, which could lead anywhere. Copy the files it stands for.")


@contextlib.contextmanager
def with_functions_kept(folder: Path, attribute: str) -> Iterator[Path]:
    """A copy of the SavedModel in which functions with `attribute` stay calls when the rest is put in line."""
    require_harmless_saved_model(_read_message(folder, judged_saved_model), str(folder))
    message = _read_message(folder, _saved_model)
    for graph in message.meta_graphs:
        for function in graph.graph_def.library.function:
            if attribute in function.attr:
                function.attr["_noinline"].b = True
    with tempfile.TemporaryDirectory(prefix="edgeproof-") as scratch:
        copy = Path(scratch) / "model"
        copy.mkdir()
        for part in ("variables", "assets"):
            if (folder / part).is_dir():
                shutil.copytree(folder / part, copy / part)
        (copy / SAVED_MODEL_FILE).write_bytes(message.SerializeToString(deterministic=True))
        yield copy
