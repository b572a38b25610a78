"""Quantizes a float .tflite with ai-edge-quantizer, where the model that it was converted from is not to be had."""

import functools
import importlib
import importlib.util
import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.convert.from_tensorflow.converter import Samples, Shape, checked_samples, explained
from edgeproof.convert.variants import Variant, VariantSettings
from edgeproof.errors import ConversionError
from edgeproof.ssd.tensorflow_import import quiet
from edgeproof.tflite.editing import EditableModel
from edgeproof.tflite.file import read_tflite
from edgeproof.tflite.layer_names import resolve_float_layers
from edgeproof_agent.bundle.manifest import InputContract
from edgeproof_agent.detection.interpreters import default_threads

TOOL = "ai-edge-quantizer"
# It reads all samples that it is given into memory first.
_SAMPLES_AT_ONCE = 16
_EVERYTHING = ".*"


def import_quantizer() -> Any:
    """The package, with what is used of it. Raises ConversionError when it is not installed."""
    try:
        with quiet():
            for module in ("quantizer", "recipe", "qtyping", "algorithm_manager"):
                importlib.import_module(f"ai_edge_quantizer.{module}")
            return importlib.import_module("ai_edge_quantizer")
    except ImportError as error:
        raise ConversionError(
            f"{TOOL} cannot be imported ({error}), and quantizing a finished .tflite needs it. "
            'Install it with: pip install "edgeproof[quantize]". Or give the model that the file was converted from.'
        ) from error


def require_quantizer() -> None:
    """Raises ConversionError when the package is not installed, without importing it: it runs in another process."""
    if importlib.util.find_spec("ai_edge_quantizer") is None:
        raise ConversionError(
            f"{TOOL} is not installed, and quantizing a finished .tflite needs it. "
            'Install it with: pip install "edgeproof[quantize]". Or give the model that the file was converted from.'
        )


def quantize_file(data: bytes, settings: VariantSettings, contract: InputContract, samples: Samples | None) -> bytes:
    """The variant of a float32 .tflite whose first signature has one input. Its outputs stay float32.

    `contract` is the file's float input contract. Names of signature and tensors stay; metadata and what is packed
    behind the file do not. Raises ConversionError, or UsageError when there is no layer that the settings keep float.
    """
    package = import_quantizer()
    file = read_tflite(data)
    kept = resolve_float_layers(settings.keep_float, file)
    signature = file.signatures[0]
    with quiet(), explained(f"quantize the file to {settings.variant.value}", TOOL):
        quantizer = package.quantizer.Quantizer(data)
        _configure(package, quantizer, settings.variant, kept)
        statistics = None
        if settings.calibrated:
            if samples is None:
                raise ConversionError(f"{settings.variant.value} needs calibration pictures: give them with --images.")
            shape = (1, contract.height, contract.width, 3)
            statistics = _calibrate(quantizer, signature.key, next(iter(signature.inputs)), samples, shape)
            statistics[file.inputs[0].name].update(_pixel_bounds(contract))
        result = quantizer.quantize(statistics, enable_progress_bar=False, enable_progress_report=False)
        edited = EditableModel(bytes(result.quantized_model))
        edited.read_integers(settings.input_type)
        return edited.to_bytes()


def _configure(package: Any, quantizer: Any, variant: Variant, kept: list[str]) -> None:
    operations, algorithms = package.qtyping.TFLOperationName, package.algorithm_manager.AlgorithmName
    leave = functools.partial(quantizer.update_quantization_recipe, algorithm_key=algorithms.NO_QUANTIZE)
    if variant is Variant.FLOAT16:
        everything = operations.ALL_SUPPORTED
        quantizer.add_weight_only_config(_EVERYTHING, everything, 16, algorithm_key=algorithms.FLOAT_CASTING)
    elif variant is Variant.DYNAMIC:
        # Leaves layers of fewer than 1024 weights float, as TensorFlow's converter does.
        quantizer.load_quantization_recipe(package.recipe.dynamic_legacy_wi8_afp32())
    elif variant is Variant.INT8:
        quantizer.load_quantization_recipe(package.recipe.static_wi8_ai8())
        leave(_EVERYTHING, operations.OUTPUT)
    else:
        quantizer.load_quantization_recipe(package.recipe.static_wi8_ai16())
        leave(_EVERYTHING, operations.INPUT)
        leave(_EVERYTHING, operations.OUTPUT)
    for name in kept:
        # The scope of an operator is the names of its outputs, each with a semicolon behind it.
        leave(f"^{re.escape(name)};", operations.ALL_SUPPORTED)


def _calibrate(quantizer: Any, signature: str, name: str, samples: Samples, shape: Shape) -> dict[str, Any]:
    statistics: dict[str, Any] | None = None
    batches = _batches({name: sample} for (sample,) in checked_samples(samples(), shape))
    for batch in batches:
        statistics = quantizer.calibrate({signature: batch}, statistics, num_threads=default_threads())
    assert statistics is not None, "an empty data set is refused before"
    return statistics


def _batches(samples: Iterator[dict[str, npt.NDArray[np.float32]]]) -> Iterator[list[Any]]:
    while batch := list(itertools.islice(samples, _SAMPLES_AT_ONCE)):
        yield batch


def _pixel_bounds(contract: InputContract) -> dict[str, Any]:
    """What the darkest and the brightest pixel become: known, where a calibration has seen some pictures only."""
    mean, std = np.array(contract.mean, np.float32), np.array(contract.std, np.float32)
    ends = np.stack([(0 - mean) / std, (255 - mean) / std])
    return {"min": ends.min().reshape(1, 1, 1, 1), "max": ends.max().reshape(1, 1, 1, 1)}
