"""Reads a Keras model: a `.keras` archive (Keras 3), or the older `.h5`."""

from importlib import metadata
from pathlib import Path
from typing import Any

from edgeproof.errors import NotAnSsdError
from edgeproof.local_files.digests import sha256_of_file
from edgeproof.ssd.model import SsdModel
from edgeproof.ssd.readers.freezing import freeze
from edgeproof.ssd.readers.keras_safety import require_harmless_keras
from edgeproof.ssd.readers.signature_network import read_signature_network
from edgeproof.ssd.source_options import SourceOptions
from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet

KIND = "keras"


def read_keras_model(path: Path, labels: Path | None, name: str | None, options: SourceOptions) -> SsdModel:
    """A model with two outputs, box encodings and class predictions, and perhaps its anchors.

    Raises NotAnSsdError when Keras cannot load it or it is no SSD, UsageError when an option is missing or wrong.
    """
    require_harmless_keras(path)
    tensorflow = import_tensorflow()
    try:
        with quiet():
            model = tensorflow.keras.models.load_model(str(path), compile=False)
            function, names = _function(model, path)
    except NotAnSsdError:
        raise
    except Exception as error:  # Keras raises whatever its layers raise
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        version = metadata.version("keras")
        newer = "A file of Keras 3 needs TensorFlow 2.16 or newer. " if version.startswith("2.") else ""
        raise NotAnSsdError(
            f"{path}: Keras {version} cannot load it: {reason.strip()} {newer}"
            "With layers of your own, export it as a SavedModel with model.export(...) and give that."
        ) from error
    network = freeze(function, names, str(path))
    description = f"Keras model '{model.name}'"
    return read_signature_network(network, path, KIND, description, sha256_of_file(path), labels, name, options)


def _function(model: Any, path: Path) -> tuple[Any, list[str]]:
    """The model as a concrete function of one picture that gives a list, and the names of its outputs."""
    tensorflow = import_tensorflow()
    inputs = model.inputs
    if len(inputs) != 1:
        raise NotAnSsdError(f"{path}: it has {len(inputs)} inputs, expected one, the picture.")
    shape = [1, *tuple(inputs[0].shape)[1:]]
    outputs = model(tensorflow.keras.Input(batch_shape=shape, dtype=inputs[0].dtype))
    names = _names(model, outputs)

    def call(image: Any) -> list[Any]:
        # Inference: batch normalisation by the moving averages.
        return list(tensorflow.nest.flatten(model(image, training=False)))

    spec = tensorflow.TensorSpec(shape, inputs[0].dtype, "image")
    return tensorflow.function(call, autograph=False).get_concrete_function(spec), names


def _names(model: Any, outputs: Any) -> list[str]:
    if isinstance(outputs, dict):
        return sorted(outputs)
    flat = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    layers = [str(name) for name in getattr(model, "output_names", [])]
    if len(layers) == len(flat) == len(set(layers)):
        return layers
    return [f"output_{position}" for position in range(len(flat))]
