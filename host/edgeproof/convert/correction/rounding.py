"""Rounds a convolution's weights to int8 so that its *outputs* change least on the inputs that it really sees."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_HIGHEST = 127
_TINY = 1e-9
_SHRINKING = np.linspace(0.72, 1.0, 24)
"""How far a channel's scale may lie above what its largest weight needs (1.0): a finer grid rounds other weights
better than the largest one loses by it. Tried for depthwise kernels alone, which are nine numbers."""
_PROMISING = 3
"""Scales whose choices are all tried: those with which the nearest integers do best."""
_MAX_TAPS = 9
_DAMPING = 0.01
_BLOCK = 64


@dataclass(frozen=True)
class RoundedWeights:
    values: npt.NDArray[np.int8]
    """[O, kh, kw, I], or [1, kh, kw, C] when depthwise."""
    scales: Floats
    """One an output channel."""
    channel_axis: int

    @property
    def stored_scales(self) -> Floats:
        """As a file holds them, in float32."""
        return self.scales.astype(np.float32).astype(np.float64)

    def as_float(self) -> Floats:
        """What the integers stand for."""
        return self.values.astype(np.float64) * _along(self.stored_scales, self.channel_axis)


def round_to_nearest(weights: npt.NDArray[Any], channel_axis: int) -> RoundedWeights:
    """Each weight by itself, as TensorFlow's converter does."""
    scales = _scales(weights, channel_axis)
    return RoundedWeights(_nearest(weights, scales, channel_axis), scales, channel_axis)


def with_least_scales(rounded: RoundedWeights, weights: npt.NDArray[Any], least: Floats) -> RoundedWeights:
    """The same, but for channels whose scale is below `least`: they get that scale, and their nearest integers."""
    low = rounded.scales < least
    if not low.any():
        return rounded
    scales, axis = np.maximum(rounded.scales, least), rounded.channel_axis
    shape = [1, 1, 1, 1]
    shape[axis] = -1
    values = np.where(low.reshape(shape), _nearest(weights, scales, axis), rounded.values)
    return RoundedWeights(values, scales, axis)


def round_depthwise(weights: npt.NDArray[Any], second: Floats) -> RoundedWeights:
    """The best of all floor and ceiling choices, and of some scales, of each channel's kernel.

    `weights` is [1, kh, kw, C] with kh kw of at most 9, `second` the inputs' second moment [C, kh kw, kh kw]. The error
    of a channel's output is e' H e for the error e of its weights.
    """
    taps = weights.shape[1] * weights.shape[2]
    if taps > _MAX_TAPS:
        return round_to_nearest(weights, 3)
    kernels = weights.reshape(taps, -1).T.astype(np.float64)
    moments = second + np.eye(taps) * np.maximum(np.trace(second, axis1=1, axis2=2) / taps, 1e-12)[:, None, None] * 1e-6
    values, scales = np.zeros_like(kernels), np.full(len(kernels), _TINY)
    for begin in range(0, len(kernels), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        values[part], scales[part] = _round_kernels(kernels[part], moments[part])
    return RoundedWeights(values.T.reshape(weights.shape).astype(np.int8), scales, 3)


def _round_kernels(kernels: Floats, moments: Floats) -> tuple[Floats, Floats]:
    """Kernels [C, n] and moments [C, n, n] to integers [C, n] and scales [C]."""
    channels, taps = kernels.shape
    choices = ((np.arange(1 << taps)[:, None] >> np.arange(taps)) & 1).astype(np.float64)
    largest = np.maximum(np.abs(kernels).max(1), _TINY * _HIGHEST)
    tried = largest[:, None] / _HIGHEST / _SHRINKING
    # All choices of all scales would take eight times as long, and are hardly ever better.
    nearest = _losses(np.rint(kernels[:, None] / tried[:, :, None]), tried[:, :, None], kernels, moments)
    promising = np.argsort(nearest, axis=1, kind="stable")[:, :_PROMISING]
    least, every = np.full(channels, np.inf), np.arange(channels)
    values, scales = np.zeros_like(kernels), tried[:, -1].copy()
    for rank in range(promising.shape[1]):
        scale = tried[every, promising[:, rank]]
        rounded = np.clip(np.floor(kernels / scale[:, None])[:, None] + choices, -_HIGHEST, _HIGHEST)
        losses = _losses(rounded, scale[:, None, None], kernels, moments)
        best = losses.argmin(1)
        better = losses[every, best] < least
        least = np.where(better, losses[every, best], least)
        values[better], scales[better] = rounded[every, best][better], scale[better]
    return values, scales


def _losses(rounded: Floats, scale: Floats, kernels: Floats, moments: Floats) -> Floats:
    """[C, K] of integers [C, K, n]."""
    errors = rounded * scale - kernels[:, None]
    found: Floats = ((errors @ moments) * errors).sum(-1)
    return found


def round_by_second_moment(weights: npt.NDArray[Any], second: Floats) -> RoundedWeights:
    """Column after column, the columns that are left making up for the error of each (Frantar et al., GPTQ, 2022).

    `weights` is [O, kh, kw, I], `second` the second moment [kh kw I, kh kw I] of its input patches.
    """
    scales = _scales(weights, 0)
    left = weights.reshape(len(weights), -1).astype(np.float64).copy()
    size = left.shape[1]
    moment, diagonal = second.copy(), np.diag(second).copy()
    unused = diagonal <= 0
    moment[unused, unused] = 1.0
    moment += np.eye(size) * _DAMPING * (float(diagonal[~unused].mean()) if (~unused).any() else 1.0)
    order = np.argsort(-np.diag(moment), kind="stable")
    back = np.argsort(order, kind="stable")
    moment, left = moment[np.ix_(order, order)], left[:, order]
    upper = np.linalg.cholesky(np.linalg.inv(moment)).T
    values = np.zeros_like(left)
    for begin in range(0, size, _BLOCK):
        end = min(begin + _BLOCK, size)
        errors = np.zeros((len(left), end - begin))
        for column in range(begin, end):
            values[:, column] = np.clip(np.rint(left[:, column] / scales), -_HIGHEST, _HIGHEST)
            error = (left[:, column] - values[:, column] * scales) / upper[column, column]
            errors[:, column - begin] = error
            left[:, column:end] -= error[:, None] * upper[column, column:end][None]
        left[:, end:] -= errors @ upper[begin:end, end:]
    return RoundedWeights(values[:, back].reshape(weights.shape).astype(np.int8), scales, 0)


def _scales(weights: npt.NDArray[Any], channel_axis: int) -> Floats:
    others = tuple(axis for axis in range(weights.ndim) if axis != channel_axis)
    largest = np.abs(weights.astype(np.float64)).max(axis=others)
    return np.where(largest == 0, _TINY, largest / _HIGHEST)


def _nearest(weights: npt.NDArray[Any], scales: Floats, channel_axis: int) -> npt.NDArray[np.int8]:
    return np.clip(np.rint(weights / _along(scales, channel_axis)), -_HIGHEST, _HIGHEST).astype(np.int8)


def _along(values: Floats, channel_axis: int) -> Floats:
    """One value a channel, shaped to be multiplied with weights."""
    shape = [1, 1, 1, 1]
    shape[channel_axis] = -1
    return values.reshape(shape)
