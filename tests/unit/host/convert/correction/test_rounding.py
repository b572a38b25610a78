"""Weights are rounded so that outputs change least: judged by outputs, never by the moments that the rounding uses."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from edgeproof.convert.correction.rounding import (
    RoundedWeights,
    round_by_second_moment,
    round_depthwise,
    round_to_nearest,
    with_least_scales,
)

Floats = npt.NDArray[np.float64]


def inputs(generator: np.random.Generator, count: int, size: int) -> Floats:
    """Correlated and not centred, as activations behind a ReLU are."""
    mixing = generator.normal(0, 1, (size, size)) + 1.0
    values: Floats = np.abs(generator.normal(0, 1, (count, size)) @ mixing)
    return values


def output_error(weights: Floats, rounded: RoundedWeights, given: Floats) -> Floats:
    """Mean squared change of each output channel of weights [O, 1, 1, I]."""
    lost = (rounded.as_float() - weights).reshape(len(weights), -1)
    error: Floats = ((given @ lost.T) ** 2).mean(0)
    return error


@pytest.mark.parametrize("size", [24, 150])  # of one block of columns, and of several
@pytest.mark.parametrize("seed", range(4))
def test_rounding_by_the_second_moment_changes_outputs_less(seed: int, size: int) -> None:
    generator = np.random.default_rng(seed)
    weights, given = generator.normal(0, 1, (6, 1, 1, size)), inputs(generator, 400, size)
    nearest = output_error(weights, round_to_nearest(weights, 0), given)
    rounded = round_by_second_moment(weights, given.T @ given / len(given))
    assert output_error(weights, rounded, given).sum() < 0.5 * nearest.sum()
    assert np.abs(rounded.values.astype(int)).max() <= 127


def test_inputs_that_have_nothing_to_do_with_each_other_leave_the_nearest() -> None:
    weights = np.random.default_rng(1).normal(0, 1, (5, 3, 3, 4))
    rounded = round_by_second_moment(weights, np.eye(36))
    np.testing.assert_array_equal(rounded.values, round_to_nearest(weights, 0).values)


def test_inputs_that_are_always_zero_do_no_harm() -> None:
    weights = np.random.default_rng(1).normal(0, 1, (5, 1, 1, 6))
    given = inputs(np.random.default_rng(2), 50, 6)
    given[:, 2] = 0
    rounded = round_by_second_moment(weights, given.T @ given)
    assert np.isfinite(rounded.scales).all()
    np.testing.assert_array_equal(rounded.values[..., 2], round_to_nearest(weights, 0).values[..., 2])


@pytest.mark.parametrize("seed", range(4))
def test_a_depthwise_kernel_is_the_best_of_all_roundings(seed: int) -> None:
    """Every choice of up and down is tried here one by one, at the scale that was chosen."""
    generator = np.random.default_rng(seed)
    weights, given = generator.normal(0, 1, (1, 3, 3, 3)), inputs(generator, 300, 9)
    second = np.repeat((given.T @ given / len(given))[np.newaxis], 3, 0)
    rounded = round_depthwise(weights, second)
    nearest = round_to_nearest(weights, 3)
    for channel in range(3):
        kernel, scale = weights[0, ..., channel].reshape(-1), rounded.scales[channel]
        down = np.floor(kernel / scale)
        tried = (np.clip(down + np.array(up), -127, 127) for up in itertools.product((0, 1), repeat=9))
        best = min(float(((given @ (choice * scale - kernel)) ** 2).mean()) for choice in tried)
        lost = rounded.as_float()[0, ..., channel].reshape(-1) - kernel
        assert float(((given @ lost) ** 2).mean()) == pytest.approx(best, rel=1e-3, abs=1e-12)
        by_nearest = nearest.as_float()[0, ..., channel].reshape(-1) - kernel
        assert best <= float(((given @ by_nearest) ** 2).mean()) * (1 + 1e-3)


def test_a_kernel_of_more_taps_goes_to_the_nearest() -> None:
    weights = np.random.default_rng(0).normal(0, 1, (1, 5, 5, 2))
    rounded = round_depthwise(weights, np.repeat(np.eye(25)[np.newaxis], 2, 0))
    np.testing.assert_array_equal(rounded.values, round_to_nearest(weights, 3).values)


@pytest.mark.parametrize("axis", [0, 3])
def test_the_nearest_is_within_half_a_step(axis: int) -> None:
    weights = np.random.default_rng(3).normal(0, 1, (4, 3, 3, 4))
    rounded = round_to_nearest(weights, axis)
    steps = rounded.scales.reshape([-1 if place == axis else 1 for place in range(4)])
    assert (np.abs(rounded.as_float() - weights) <= steps * 0.5001).all()
    assert (np.abs(rounded.values.astype(int)).max(axis=tuple(a for a in range(4) if a != axis)) == 127).all()


def test_a_scale_that_is_too_small_is_raised_and_its_channel_alone_rounded_anew() -> None:
    weights = np.random.default_rng(4).normal(0, 1, (3, 1, 1, 8))
    weights[1] = 0
    rounded = with_least_scales(round_to_nearest(weights, 0), weights, np.array([0.0, 0.01, 1.0]))
    assert rounded.scales[1] == 0.01
    assert rounded.scales[2] == 1.0
    np.testing.assert_array_equal(rounded.values[0], round_to_nearest(weights, 0).values[0])
    np.testing.assert_array_equal(rounded.values[2], np.rint(weights[2]).astype(np.int8))
