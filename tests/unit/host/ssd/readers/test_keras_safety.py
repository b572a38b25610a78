"""A Keras file that brings code is refused before Keras reads it."""

import io
import json
import zipfile
from pathlib import Path

import h5py
import pytest

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.readers.keras_model import read_keras_model
from edgeproof.ssd.readers.keras_safety import require_harmless_keras
from edgeproof.ssd.source_options import SourceOptions


def model_with(layer: object) -> dict[str, object]:
    return {"module": "keras", "class_name": "Functional", "config": {"name": "model", "layers": [layer]}}


LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "evil", "function": "..."}}
DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"name": "good", "units": 3}}
HOSTILE = [
    LAMBDA,
    {"class_name": "Lambda", "config": {"name": "evil"}},
    {"class_name": "TFOpLambda", "config": {"name": "evil"}},
    {"module": "keras.layers", "class_name": "TimeDistributed", "config": {"name": "evil", "layer": LAMBDA}},
    {"module": "keras.models", "class_name": "Sequential", "config": {"name": "evil", "layers": [DENSE, LAMBDA]}},
    {**DENSE, "config": {"name": "evil", "activation": {"class_name": "__lambda__", "config": {"value": "..."}}}},
    {"module": "os", "class_name": "system", "config": {"name": "evil"}},
    {"module": "kerasevil.layers", "class_name": "Dense", "config": {"name": "evil"}},
    {**DENSE, "config": {"name": "evil", "kernel_initializer": {"module": "builtins", "class_name": "eval"}}},
]


def archive(path: Path, config: object, name: str = "config.json") -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(name, json.dumps(config))
        file.writestr("metadata.json", "{}")
    return path


def h5(path: Path, config: object) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        file.create_group("model_weights")
    return path


@pytest.mark.parametrize("layer", HOSTILE)
@pytest.mark.parametrize("write", [archive, h5])
def test_a_layer_that_brings_code_is_refused(tmp_path: Path, write: object, layer: object) -> None:
    assert callable(write)
    path = write(tmp_path / "evil", model_with(layer))
    with pytest.raises(NotAnSsdError, match="edgeproof reads no model that brings code"):
        require_harmless_keras(path)


@pytest.mark.parametrize("write", [archive, h5])
def test_keras_own_layers_pass(tmp_path: Path, write: object) -> None:
    assert callable(write)
    require_harmless_keras(write(tmp_path / "good", model_with(DENSE)))


@pytest.mark.tensorflow
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_real_lambda_does_not_run(tmp_path: Path, suffix: str) -> None:
    """Keras's own reader would run it, of an .h5 even in its safe mode."""
    import keras

    marker = tmp_path / "ran"
    code = f"__import__('pathlib').Path({str(marker)!r}).touch()"
    evil = eval(f"lambda value: ({code}, value)[1]")
    picture = keras.layers.Input((8, 8, 3), batch_size=1)
    model = keras.Model(picture, keras.layers.Lambda(evil, output_shape=(8, 8, 3))(picture))
    path = tmp_path / f"evil{suffix}"
    model.save(path)
    marker.unlink(missing_ok=True)
    with pytest.raises(NotAnSsdError, match="is a Lambda, which runs code of the file"):
        read_keras_model(path, None, None, SourceOptions())
    assert not marker.exists()


@pytest.mark.parametrize("name", ["../config.json", "/config.json", "a/../../config.json"])
def test_an_archive_that_leads_out_of_itself_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotAnSsdError, match="leads out of it"):
        require_harmless_keras(archive(tmp_path / "evil.keras", {}, name))


def test_an_archive_that_unpacks_to_more_than_a_model_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", "[" * (65 << 20))
    (tmp_path / "bomb.keras").write_bytes(content.getvalue())
    with pytest.raises(NotAnSsdError, match=r"config.json is over 64 MiB"):
        require_harmless_keras(tmp_path / "bomb.keras")


@pytest.mark.parametrize("kind", ["external", "soft", "elsewhere"])
def test_an_h5_that_reads_other_files_is_refused(tmp_path: Path, kind: str) -> None:
    path = h5(tmp_path / "evil.h5", model_with(DENSE))
    with h5py.File(path, "a") as file:
        if kind == "external":
            file["model_weights/evil"] = h5py.ExternalLink("/etc/passwd", "/")
        elif kind == "soft":
            file["model_weights/evil"] = h5py.SoftLink("/model_weights")
        else:
            file.create_dataset("evil", (4,), "u1", external=[(str(tmp_path / "secret"), 0, 4)])
    with pytest.raises(NotAnSsdError, match="is a link|lies in another file"):
        require_harmless_keras(path)


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04junk", b"\x89HDF\r\n\x1a\njunk", b"[" * 100])
def test_what_is_no_keras_file_is_one_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.keras"
    path.write_bytes(content)
    with pytest.raises(NotAnSsdError, match=r"broken\.keras: it is "):
        require_harmless_keras(path)
