"""What a float network's tensors hold on real pictures: ranges a channel, and moments of every convolution's input."""

import importlib
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.convert.correction.network import Convolution, Network
from edgeproof_agent.detection.interpreters import default_threads

Floats = npt.NDArray[np.float64]

MAX_MOMENT_SIDE = 1300
"""Of a second moment's matrix. A 3 x 3 convolution over 256 channels would have one of 2304 x 2304, 42 MB; such layers
are rounded to the nearest."""
_SAMPLED_PATCHES = 2000
"""Of a picture and convolution: neighbouring patches are much alike."""


@dataclass
class ChannelRange:
    """Least and greatest value of each channel (last axis) over all pictures."""

    low: Floats
    high: Floats

    def include(self, values: npt.NDArray[np.float32]) -> None:
        flat = values.reshape(-1, values.shape[-1])
        np.minimum(self.low, flat.min(0), out=self.low)
        np.maximum(self.high, flat.max(0), out=self.high)


@dataclass
class InputMoments:
    """Of the patches that a convolution multiplies: [kh kw I] values, or [kh kw] of each channel when depthwise."""

    count: int
    total: Floats
    """Sum: [kh kw I], or [C, kh kw]."""
    products: Floats | None
    """Sum of x xT: [n, n], or [C, kh kw, kh kw]. None when it would be too large."""

    @property
    def mean(self) -> Floats:
        return self.total / self.count

    @property
    def second(self) -> Floats | None:
        return None if self.products is None else self.products / self.count


@dataclass
class Activations:
    """What was seen; `pictures` is how many."""

    ranges: dict[int, ChannelRange] = field(default_factory=dict)
    """By tensor."""
    moments: dict[int, InputMoments] = field(default_factory=dict)
    """By the convolution's place in `Network.convolutions`."""
    pictures: int = 0


def interpreter(network: Network, wanted: Sequence[int]) -> Any:
    """TensorFlow's interpreter for a network whose `wanted` tensors can be read after each run, by their own numbers.

    They become outputs: that keeps them, and leaves the rest to XNNPACK, ten times as fast as kernels that keep all.
    """
    lite = importlib.import_module("tensorflow").lite
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow advertises its successor
        built = lite.Interpreter(model_content=network.to_bytes(also=wanted), num_threads=default_threads())
    built.allocate_tensors()
    return built


def observe(network: Network, samples: Iterable[npt.NDArray[np.float32]]) -> Activations:
    """Runs a float network on samples [1, H, W, 3]. Deterministic: patches are drawn with a fixed seed."""
    watched = _watched(network)
    read = [convolution.input for convolution in network.convolutions]
    running = interpreter(network, sorted({*watched, *read} - set(network.inputs)))
    (place,) = network.inputs
    seen, generator = Activations(), np.random.default_rng(0)
    for sample in samples:
        running.set_tensor(place, sample)
        running.invoke()
        seen.pictures += 1
        for tensor in watched:
            values = running.get_tensor(tensor)
            channels = values.shape[-1] if values.ndim else 1
            if tensor not in seen.ranges:
                seen.ranges[tensor] = ChannelRange(np.full(channels, np.inf), np.full(channels, -np.inf))
            seen.ranges[tensor].include(values.reshape(-1, channels))
        for number, convolution in enumerate(network.convolutions):
            values = running.get_tensor(convolution.input)[0]
            _add_moments(seen, number, _patches(convolution, network, values, generator), convolution.depthwise)
    return seen


def _watched(network: Network) -> Sequence[int]:
    """Float tensors with a range, which are what becomes integers."""
    tensors = {
        int(tensor) for operator in network.operators for tensor in (*operator.inputs, *operator.outputs) if tensor >= 0
    }
    return sorted(
        tensor
        for tensor in tensors
        if network.is_float(tensor) and not network.is_constant(tensor) and network.range(tensor) is not None
    )


def _add_moments(seen: Activations, number: int, patches: npt.NDArray[np.float32], depthwise: bool) -> None:
    products: Floats | None
    if depthwise:
        total = patches.sum(0, dtype=np.float64).T
        by_channel = np.ascontiguousarray(patches.transpose(2, 0, 1))
        products = (by_channel.transpose(0, 2, 1) @ by_channel).astype(np.float64)
    else:
        flat = patches.reshape(len(patches), -1)
        total = flat.sum(0, dtype=np.float64)
        products = (flat.T @ flat).astype(np.float64) if flat.shape[1] <= MAX_MOMENT_SIDE else None
    known = seen.moments.get(number)
    if known is None:
        seen.moments[number] = InputMoments(len(patches), total, products)
        return
    known.count += len(patches)
    known.total += total
    if known.products is not None:
        assert products is not None
        known.products += products


def _patches(
    convolution: Convolution, network: Network, values: npt.NDArray[np.float32], generator: np.random.Generator
) -> npt.NDArray[np.float32]:
    """[positions, kh kw, I]: what the kernel lies on, zeros beyond the edge, as TFLite pads. Some positions of many."""
    height, width = network.shape(convolution.weights)[1:3]
    rows, columns = network.shape(convolution.output)[1:3]
    (stride_y, stride_x), (step_y, step_x) = convolution.stride, convolution.dilation
    if convolution.same_padding and (height > 1 or width > 1):
        over_y = max(0, (rows - 1) * stride_y + (height - 1) * step_y + 1 - values.shape[0])
        over_x = max(0, (columns - 1) * stride_x + (width - 1) * step_x + 1 - values.shape[1])
        values = np.pad(values, ((over_y // 2, over_y - over_y // 2), (over_x // 2, over_x - over_x // 2), (0, 0)))
    positions = np.arange(rows * columns)
    if len(positions) > _SAMPLED_PATCHES:
        positions = np.sort(generator.choice(len(positions), _SAMPLED_PATCHES, replace=False))
    top, left = positions // columns * stride_y, positions % columns * stride_x
    taps = [values[top + y * step_y, left + x * step_x] for y in range(height) for x in range(width)]
    return np.stack(taps, axis=1)
