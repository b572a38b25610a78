"""Full-integer quantization that leaves some layers float: int8 with DEQUANTIZE and QUANTIZE around them."""

import importlib
from typing import Any

from edgeproof.convert.variants import VariantSettings
from edgeproof.ssd.tensorflow_import import import_tensorflow
from edgeproof.tflite.file import TfliteFile, read_tflite
from edgeproof.tflite.layer_names import resolve_float_layers


def convert_mixed(converter: Any, settings: VariantSettings) -> bytes:
    """What `converter` (a TFLiteConverter, set up for int8) makes when `settings.keep_float` stay float32.

    Raises UsageError when the model has no such layers, and whatever TensorFlow raises.
    """
    tensorflow = import_tensorflow()
    calibrated = _calibrated_model(converter)
    kept = resolve_float_layers(settings.keep_float, read_tflite(calibrated))
    # The debugger's own `get_nondebug_quantized_model` does the same, and leaves the input float.
    quantize = importlib.import_module("tensorflow.lite.python.convert").mlir_quantize
    return bytes(
        quantize(
            calibrated,
            denylisted_nodes=kept,
            input_data_type=getattr(tensorflow, settings.input_type.value),
            output_data_type=tensorflow.float32,
        )
    )


def calibrated_file(converter: Any) -> TfliteFile:
    """The structure of what is quantized: its layers have the names that `settings.keep_float` means."""
    return read_tflite(_calibrated_model(converter))


def _calibrated_model(converter: Any) -> bytes:
    tensorflow = import_tensorflow()
    # The debugger calibrates with float input; the integer one is put on with the quantization.
    converter.inference_input_type = tensorflow.float32
    return bytes(tensorflow.lite.experimental.QuantizationDebugger(converter=converter).calibrated_model)
