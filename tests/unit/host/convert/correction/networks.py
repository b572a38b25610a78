"""A small network with all that the corrections look at, as a calibrated float .tflite and its TensorFlow quantizer."""

import importlib
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

SIDE = 16
Samples = npt.NDArray[np.float32]


def samples(count: int, seed: int = 0) -> list[Samples]:
    """Pictures of smooth noise in -1..1, float32 [1, 16, 16, 3]."""
    generator = np.random.default_rng(seed)
    coarse = generator.uniform(-1, 1, (count, 4, 4, 3)).astype(np.float32)
    return [np.repeat(np.repeat(one, 4, 0), 4, 1)[np.newaxis] for one in coarse]


def _weights(generator: np.random.Generator, *shape: int) -> Samples:
    return generator.normal(0, 0.4, shape).astype(np.float32)


@cache
def calibrated(constant_add: bool = True, activation: str = "sigmoid") -> bytes:
    """Stem, two residual bottlenecks (with a constant added behind the first when wanted) and a class head.

    Its bottlenecks have channels of very unlike ranges, and two of its layers share one bias of zeros.
    """
    import tensorflow as tf

    generator = np.random.default_rng(7)
    stem, head = _weights(generator, 3, 3, 3, 8), _weights(generator, 1, 1, 8, 4)
    unlike = np.array([0.02, 0.05, 0.1, 0.5, 1.0, 2.0, 4.0, 8.0], np.float32)
    expand = [_weights(generator, 1, 1, 8, 16) / unlike[:, None] for _ in range(2)]
    depthwise = [_weights(generator, 3, 3, 16, 1) for _ in range(2)]
    project = [_weights(generator, 1, 1, 16, 8) * unlike for _ in range(2)]
    first = _weights(generator, 1, 1, 8, 8) * unlike
    constant = generator.normal(0, 1, 8).astype(np.float32) * unlike

    @tf.function(input_signature=[tf.TensorSpec([1, SIDE, SIDE, 3], tf.float32, name="image")])
    def call(image: Any) -> Any:
        x = tf.nn.relu6(tf.nn.conv2d(image, stem, 2, "SAME"))
        x = tf.nn.conv2d(x, first, 1, "SAME")
        for number in range(2):
            y = tf.nn.relu6(tf.nn.conv2d(x, expand[number], 1, "SAME"))
            y = tf.nn.relu6(tf.nn.depthwise_conv2d(y, depthwise[number], [1, 1, 1, 1], "SAME"))
            y = tf.nn.conv2d(y, project[number], 1, "SAME") + np.float32(0.1)
            x = x + y
            if number == 0 and constant_add:
                x = x + constant
        logits = tf.reshape(tf.nn.conv2d(x, head, 1, "SAME") * 4.0, [1, -1, 4])
        return {"scores": tf.nn.sigmoid(logits) if activation == "sigmoid" else tf.nn.softmax(logits)}

    converter = tf.lite.TFLiteConverter.from_concrete_functions([call.get_concrete_function()])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.representative_dataset = lambda: ([one] for one in samples(2))
    return bytes(tf.lite.experimental.QuantizationDebugger(converter=converter).calibrated_model)


def quantize(data: bytes) -> bytes:
    """As the exporter has it quantized, with int8 input."""
    import tensorflow as tf

    quantizer = importlib.import_module("tensorflow.lite.python.convert").mlir_quantize
    return bytes(quantizer(data, input_data_type=tf.int8, output_data_type=tf.float32))


def run(data: bytes, given: list[Samples]) -> npt.NDArray[np.float32]:
    """The outputs of ai-edge-litert, which is not what the corrections run."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data, num_threads=1)
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    found = []
    for sample in given:
        if entry["dtype"] == np.int8:
            scale, zero_point = entry["quantization"]
            sample = np.clip(np.rint(sample / scale + zero_point), -128, 127).astype(np.int8)
        interpreter.set_tensor(entry["index"], sample)
        interpreter.invoke()
        found.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).copy())
    return np.concatenate(found)
