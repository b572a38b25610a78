"""Judges a stranger's Keras file before Keras reads it: a Lambda layer, or a class that is not Keras's, runs code."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from edgeproof.errors import NotAnSsdError
from edgeproof.local_files.bounded_files import MIB, UnreadableError, readable

_CONFIG = "config.json"
_MAX_CONFIG_BYTES = 64 * MIB
_MAX_MEMBERS = 10_000
_MAX_UNPACKED_BYTES = 4 << 30
_OWN_MODULES = ("keras", "tensorflow.keras", "tf_keras", "tensorflow.python.keras")
_CODE = ("Lambda", "__lambda__", "TFOpLambda", "SlicingOpLambda", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
_AGAIN = "Copy or export it again."
_INSTEAD = (
    "edgeproof reads no model that brings code: put Keras's own layers in its place, or export the model as a "
    "SavedModel with model.export(...) and give that."
)


def require_harmless_keras(path: Path) -> None:
    """Raises NotAnSsdError for a `.keras` archive or an `.h5` file that Keras could run code from, or is fooled by."""
    with readable(path, NotAnSsdError, _AGAIN):
        is_archive = zipfile.is_zipfile(path)
    config = _archive_config(path) if is_archive else _h5_config(path)
    for place, item in _described(config):
        name = item.get("class_name")
        if name in _CODE or (isinstance(name, str) and name.endswith("Lambda")):
            raise NotAnSsdError(f"{path}: its {place or 'model'} is a {name}, which runs code of the file. {_INSTEAD}")
        module = item.get("module")
        if isinstance(module, str) and not any(module == own or module.startswith(f"{own}.") for own in _OWN_MODULES):
            raise NotAnSsdError(
                f"{path}: its {place or 'model'} is a {name} of {module!r}, which is not Keras's own. {_INSTEAD}"
            )


def _archive_config(path: Path) -> Any:
    """The description of the model, with nothing unpacked."""
    with readable(path, NotAnSsdError, _AGAIN), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > _MAX_MEMBERS or sum(member.file_size for member in members) > _MAX_UNPACKED_BYTES:
            raise UnreadableError("it unpacks to more than a model could hold")
        for member in members:
            name = PurePosixPath(member.filename)
            if name.is_absolute() or ".." in name.parts or (member.external_attr >> 16) & 0o170000 == 0o120000:
                raise UnreadableError(f"its member {member.filename!r} leads out of it")
        with archive.open(_CONFIG) as file:
            text = file.read(_MAX_CONFIG_BYTES + 1)
        if len(text) > _MAX_CONFIG_BYTES:
            raise UnreadableError(f"its {_CONFIG} is over {_MAX_CONFIG_BYTES // MIB} MiB long")
        return json.loads(text)


def _h5_config(path: Path) -> Any:
    import h5py

    with readable(path, NotAnSsdError, _AGAIN), h5py.File(path, "r") as file:
        _require_inside(file)
        text = file.attrs.get("model_config")
        if text is None:
            raise UnreadableError("it holds weights without a model")
        return json.loads(text)


def _require_inside(group: Any) -> None:
    """Raises when a part of an HDF5 file lies in another file."""
    import h5py

    waiting, seen = [group], 0
    while waiting:
        current = waiting.pop()
        for name in current:
            seen += 1
            if seen > _MAX_MEMBERS:
                raise UnreadableError("it holds more parts than a model could")
            link = current.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise UnreadableError(f"its part {name!r} is a link to another file")
            if isinstance(link, h5py.SoftLink):
                raise UnreadableError(f"its part {name!r} is a link")
            item = current[name]
            if isinstance(item, h5py.Group):
                waiting.append(item)
            elif item.external or item.is_virtual:
                raise UnreadableError(f"its part {name!r} lies in another file")


def _described(config: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a description that names a class, wherever it is, with the name of the layer that it is in."""
    waiting: list[tuple[str, Any]] = [("", config)]
    while waiting:
        place, item = waiting.pop()
        if isinstance(item, dict):
            inner = item.get("config")
            named = item.get("name") if isinstance(item.get("name"), str) else None
            named = named or (inner.get("name") if isinstance(inner, dict) else None)
            here = f"layer {named!r}" if isinstance(named, str) else place
            if "class_name" in item or "module" in item:
                yield here, item
            waiting += [(here, value) for value in item.values()]
        elif isinstance(item, list):
            waiting += [(place, value) for value in item]
