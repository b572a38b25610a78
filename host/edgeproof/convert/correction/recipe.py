"""The order of the corrections, and which of them a data set is large enough for."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeproof.convert.correction.activations import Activations, Floats, observe
from edgeproof.convert.correction.bias import corrected_bias
from edgeproof.convert.correction.equalisation import equalise
from edgeproof.convert.correction.folding import fold_constants
from edgeproof.convert.correction.heads import cap_logits
from edgeproof.convert.correction.network import Convolution, Network
from edgeproof.convert.correction.rounding import (
    RoundedWeights,
    round_by_second_moment,
    round_depthwise,
    round_to_nearest,
    with_least_scales,
)

Quantize = Callable[[bytes], bytes]
"""A float file whose tensors have ranges to its integer file, with the same convolutions in the same order."""

ENOUGH_PICTURES = 8
"""With fewer, what the inputs are like is not known well enough to round by it: weights go to the nearest."""
_LARGEST_BIAS = float(1 << 30)
"""Half of what int32 holds, as room for the sum that it begins."""
_LEAST_SHARE = 1e-6
"""Of a layer's largest scale: channels of zeros have none of their own, and XNNPACK refuses scales near zero."""


@dataclass(frozen=True)
class Correction:
    """An integer file, and how it came about."""

    data: bytes
    pictures: int
    """How many the network was seen on."""

    @property
    def by_activations(self) -> bool:
        """Whether weights were rounded by what the inputs are like, and not each to its nearest."""
        return self.pictures >= ENOUGH_PICTURES


def corrected(calibrated: bytes, quantize: Quantize, samples: Iterable[npt.NDArray[np.float32]]) -> Correction:
    """The integer file of a float one: the structure, size and speed of `quantize`'s, with other numbers in it.

    `calibrated` has a range for each tensor that becomes integers, from any sample; all ranges are found anew on
    `samples`, float32 [1, H, W, 3]. In order: constants are folded, channels of bottlenecks are equalised, logits are
    capped, weights are rounded by what they are multiplied with, and biases make up for what is left. The same input
    gives the same bytes.
    """
    network = Network(calibrated)
    fold_constants(network)
    seen = observe(network, samples)
    for tensor, found in seen.ranges.items():
        network.set_range(tensor, float(found.low.min()), float(found.high.max()))
    equalise(network, seen)
    cap_logits(network)
    plain = quantize(network.to_bytes())
    quantized = Network(plain)
    if not _alike(network, quantized):
        return Correction(plain, 0)
    for number, (original, target) in enumerate(zip(network.convolutions, quantized.convolutions, strict=True)):
        if not quantized.is_float(target.weights):  # else it is a layer that is kept float
            _write(network, original, quantized, target, seen, number)
    return Correction(quantized.to_bytes(), seen.pictures)


def _alike(network: Network, quantized: Network) -> bool:
    """Whether the same convolutions are in both, so that one's weights fit into the other's."""
    shapes = [[(c.depthwise, some.shape(c.weights)) for c in some.convolutions] for some in (network, quantized)]
    return shapes[0] == shapes[1]


def _write(
    network: Network, original: Convolution, quantized: Network, target: Convolution, seen: Activations, number: int
) -> None:
    weights, bias = network.values(original.weights), network.values(original.bias)
    if len(quantized.scales(target.weights)) != len(bias):
        return  # one scale for all channels: an older runtime's way, with which nothing here fits
    input_scale = float(quantized.scales(target.input)[0])
    rounded = _rounded(original, weights, seen, number)
    rounded = with_least_scales(rounded, weights, _least_scales(bias, rounded.scales, input_scale))
    moved = corrected_bias(bias, weights, rounded, seen.moments[number])
    scales = input_scale * rounded.stored_scales
    quantized.set_values(target.weights, rounded.values)
    quantized.set_scales(target.weights, rounded.stored_scales)
    quantized.set_scales(target.bias, scales)
    quantized.set_values(target.bias, moved / scales)


def _least_scales(bias: npt.NDArray[np.float32], scales: Floats, input_scale: float) -> Floats:
    by_bias = np.abs(bias.astype(np.float64)) / input_scale / _LARGEST_BIAS
    return np.maximum(by_bias, max(float(scales.max()) * _LEAST_SHARE, float(np.finfo(np.float32).tiny)))


def _rounded(
    convolution: Convolution, weights: npt.NDArray[np.float32], seen: Activations, number: int
) -> RoundedWeights:
    second = seen.moments[number].second
    if seen.pictures < ENOUGH_PICTURES or second is None:
        return round_to_nearest(weights, convolution.channel_axis)
    return round_depthwise(weights, second) if convolution.depthwise else round_by_second_moment(weights, second)
