"""Full-integer quantization: TensorFlow's quantizer, corrected, and with the layers float that the settings keep so."""

import importlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.convert.correction.recipe import corrected
from edgeproof.convert.variants import VariantSettings
from edgeproof.ssd.tensorflow_import import import_tensorflow
from edgeproof.tflite.file import TfliteFile, read_tflite
from edgeproof.tflite.layer_names import resolve_float_layers


def convert_full_integer(
    converter: Any, settings: VariantSettings, samples: Iterable[npt.NDArray[np.float32]]
) -> bytes:
    """The int8 file of a model, corrected on `samples`; layers of `settings.keep_float` stay float32.

    `converter` is a TFLiteConverter, set up for int8 with one sample: ranges are found here, which takes a fraction of
    the time. Raises UsageError when the model has no such layers, and whatever TensorFlow raises.
    """
    tensorflow = import_tensorflow()
    calibrated = _calibrated_model(converter)
    kept = resolve_float_layers(settings.keep_float, read_tflite(calibrated)) if settings.keep_float else []
    quantize = importlib.import_module("tensorflow.lite.python.convert").mlir_quantize

    def quantized(data: bytes) -> bytes:
        # The debugger's own `get_nondebug_quantized_model` does the same, and leaves the input float.
        made = quantize(
            data,
            denylisted_nodes=kept,
            input_data_type=getattr(tensorflow, settings.input_type.value),
            output_data_type=tensorflow.float32,
        )
        return bytes(made)

    return corrected(calibrated, quantized, samples).data


def calibrated_file(converter: Any) -> TfliteFile:
    """The structure of what is quantized: its layers have the names that `settings.keep_float` means."""
    return read_tflite(_calibrated_model(converter))


def _calibrated_model(converter: Any) -> bytes:
    tensorflow = import_tensorflow()
    # The debugger calibrates with float input; the integer one is put on with the quantization.
    converter.inference_input_type = tensorflow.float32
    return bytes(tensorflow.lite.experimental.QuantizationDebugger(converter=converter).calibrated_model)
