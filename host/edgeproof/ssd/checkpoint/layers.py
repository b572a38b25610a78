"""The layers of a MobileNet SSD as plain TensorFlow operations, with weights by the names that Keras gives them."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edgeproof.ssd.checkpoint.hyperparameters import Activation, Hyperparameters
from edgeproof.ssd.tensorflow_import import import_tensorflow


class Weights(Protocol):
    def take(self, name: str, shape: Sequence[int]) -> npt.NDArray[np.float32]:
        """The variable whose full name is `name`, or ends in it after a slash."""
        ...


class Layers:
    """Tensors are float32 [1, rows, columns, channels], their shapes known. Neither variables nor Keras take part, so
    that the same code runs with Keras 2 and 3, and the converter has nothing to bind."""

    def __init__(self, weights: Weights, hyperparameters: Hyperparameters, explicit_padding: bool = False) -> None:
        """Explicit padding is alike on both sides; TensorFlow's `SAME` pads the end alone with stride 2."""
        self.hyperparameters = hyperparameters
        self._weights, self._explicit_padding = weights, explicit_padding
        self._tensorflow = import_tensorflow()

    def convolve(
        self, x: Any, name: str, filters: int, kernel_size: int = 1, stride: int = 1, use_bias: bool = False
    ) -> Any:
        kernel = self._weights.take(f"{name}/kernel", (kernel_size, kernel_size, x.shape[-1], filters))
        with self._tensorflow.name_scope(name):
            x, padding = self._padded(x, kernel_size)
            x = self._tensorflow.nn.conv2d(x, kernel, stride, padding)
            return self._biased(x, name) if use_bias else x

    def convolve_depthwise(
        self, x: Any, name: str, kernel_size: int = 3, stride: int = 1, use_bias: bool = False
    ) -> Any:
        kernel = self._weights.take(f"{name}/depthwise_kernel", (kernel_size, kernel_size, x.shape[-1], 1))
        with self._tensorflow.name_scope(name):
            x, padding = self._padded(x, kernel_size)
            x = self._tensorflow.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], padding)
            return self._biased(x, name) if use_bias else x

    def convolve_separable(
        self, x: Any, name: str, filters: int, kernel_size: int = 3, stride: int = 1, use_bias: bool = False
    ) -> Any:
        """Keras' SeparableConv2D: depthwise, then pointwise, nothing between."""
        x = self.convolve_depthwise(x, name, kernel_size, stride)
        pointwise = self._weights.take(f"{name}/pointwise_kernel", (1, 1, x.shape[-1], filters))
        with self._tensorflow.name_scope(name):
            x = self._tensorflow.nn.conv2d(x, pointwise, 1, "VALID")
            return self._biased(x, name) if use_bias else x

    def normalise(self, x: Any, name: str) -> Any:
        """Batch normalisation by the moving averages; nothing when the configuration has none."""
        batch_norm, shape = self.hyperparameters.batch_norm, (x.shape[-1],)
        if batch_norm is None:
            return x
        ones, zeros = np.ones(shape, np.float32), np.zeros(shape, np.float32)
        normalised, *_ = self._tensorflow.compat.v1.nn.fused_batch_norm(
            x,
            scale=self._weights.take(f"{name}/gamma", shape) if batch_norm.scale else ones,
            offset=self._weights.take(f"{name}/beta", shape) if batch_norm.center else zeros,
            mean=self._weights.take(f"{name}/moving_mean", shape),
            variance=self._weights.take(f"{name}/moving_variance", shape),
            epsilon=batch_norm.epsilon,
            is_training=False,
            name=name,
        )
        return normalised

    def activate(self, x: Any) -> Any:
        functions = {
            Activation.NONE: self._tensorflow.identity,
            Activation.RELU: self._tensorflow.nn.relu,
            Activation.RELU_6: self._tensorflow.nn.relu6,
            # TensorFlow 2.15 cannot save the gradient that its own silu carries.
            Activation.SWISH: lambda x: x * self._tensorflow.sigmoid(x),
        }
        return functions[self.hyperparameters.activation](x)

    def _biased(self, x: Any, name: str) -> Any:
        return self._tensorflow.nn.bias_add(x, self._weights.take(f"{name}/bias", (x.shape[-1],)))

    def _padded(self, x: Any, kernel_size: int) -> tuple[Any, str]:
        """`fixed_padding` of the API's utils/ops.py."""
        if not self._explicit_padding:
            return x, "SAME"
        before = (kernel_size - 1) // 2
        sides = [before, kernel_size - 1 - before]
        return (self._tensorflow.pad(x, [[0, 0], sides, sides, [0, 0]]) if kernel_size > 1 else x), "VALID"
