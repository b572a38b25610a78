"""The corrections on a real network: nothing changes in float, and int8 comes nearer to it than TensorFlow's own."""

from collections.abc import Callable

import numpy as np
import pytest

from edgeproof.convert.correction.activations import observe
from edgeproof.convert.correction.bias import corrected_bias
from edgeproof.convert.correction.equalisation import equalise
from edgeproof.convert.correction.folding import fold_constants
from edgeproof.convert.correction.heads import LOGIT_LIMIT, cap_logits
from edgeproof.convert.correction.network import Network
from edgeproof.convert.correction.recipe import ENOUGH_PICTURES, corrected
from edgeproof.convert.correction.rounding import round_to_nearest
from tests.unit.host.convert.correction.networks import calibrated, quantize, run, samples

pytestmark = pytest.mark.tensorflow
pytest.importorskip("ai_edge_litert.interpreter")

UNSEEN = samples(12, seed=99)


def test_what_is_read_and_written_computes_the_same() -> None:
    np.testing.assert_array_equal(run(Network(calibrated()).to_bytes(), UNSEEN), run(calibrated(), UNSEEN))


def test_each_layer_has_a_bias_of_its_own() -> None:
    network = Network(calibrated())
    assert len({convolution.bias for convolution in network.convolutions}) == len(network.convolutions)
    first, second = network.convolutions[0], network.convolutions[2]
    before = network.values(second.bias)
    network.set_values(first.bias, network.values(first.bias) + 1)
    np.testing.assert_array_equal(network.values(second.bias), before)


def test_a_constant_behind_a_residual_sum_goes_into_a_bias() -> None:
    network = Network(calibrated())
    additions = sum(network.kind(place) == "ADD" for place in range(len(network.operators)))
    assert fold_constants(network) == 1
    assert sum(network.kind(place) == "ADD" for place in range(len(network.operators))) == additions - 1
    np.testing.assert_allclose(run(network.to_bytes(), UNSEEN), run(calibrated(), UNSEEN), atol=2e-6)
    assert fold_constants(Network(calibrated(constant_add=False))) == 0


def test_equalising_changes_nothing_but_how_alike_channels_are() -> None:
    network = Network(calibrated())
    fold_constants(network)
    seen = observe(network, samples(6))
    bottleneck = network.convolutions[1].output
    before = seen.ranges[bottleneck].high - seen.ranges[bottleneck].low
    assert equalise(network, seen) == 1
    np.testing.assert_allclose(run(network.to_bytes(), UNSEEN), run(calibrated(), UNSEEN), atol=2e-5)
    again = observe(network, samples(6))
    after = again.ranges[bottleneck].high - again.ranges[bottleneck].low
    assert after.max() / after.min() < 0.3 * before.max() / before.min()
    for tensor, found in again.ranges.items():
        np.testing.assert_allclose(seen.ranges[tensor].high, found.high, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(seen.ranges[tensor].low, found.low, rtol=1e-3, atol=1e-4)
    for number, moments in again.moments.items():
        np.testing.assert_allclose(seen.moments[number].mean, moments.mean, rtol=1e-3, atol=1e-3)
        second, expected = seen.moments[number].second, moments.second
        assert second is not None
        assert expected is not None
        np.testing.assert_allclose(second, expected, rtol=1e-2, atol=1e-2 * float(np.abs(expected).max()))


def test_a_sum_that_a_constant_is_added_to_is_left_alone() -> None:
    """Stretching it would need the constant stretched, too."""
    network = Network(calibrated())
    seen = observe(network, samples(6))
    equalise(network, seen)
    np.testing.assert_allclose(run(network.to_bytes(), UNSEEN), run(calibrated(), UNSEEN), atol=2e-5)


def test_the_moments_are_those_of_tensorflows_own_patches() -> None:
    import tensorflow as tf

    network, given = Network(calibrated()), samples(5)
    seen = observe(network, given)
    stem = network.convolutions[0]
    assert stem.stride == (2, 2)
    patches = tf.image.extract_patches(np.concatenate(given), [1, 3, 3, 1], [1, 2, 2, 1], [1, 1, 1, 1], "SAME")
    flat = patches.numpy().reshape(-1, 27).astype(np.float64)
    np.testing.assert_allclose(seen.moments[0].mean, flat.mean(0), atol=1e-5)
    second = seen.moments[0].second
    assert second is not None
    np.testing.assert_allclose(second, flat.T @ flat / len(flat), atol=1e-4)
    (depthwise,) = [n for n, convolution in enumerate(network.convolutions) if convolution.depthwise][:1]
    moments = seen.moments[depthwise]
    assert moments.total.shape == (16, 9)
    assert moments.second is not None
    # The middle tap of a 3 x 3 kernel sees every position: its mean is the tensor's.
    values = tensor_values(network, network.convolutions[depthwise].input, given)
    np.testing.assert_allclose(moments.mean[:, 4], values.mean((0, 1, 2)), rtol=1e-4)
    np.testing.assert_allclose(moments.second[:, 4, 4], (values**2).mean((0, 1, 2)), rtol=1e-4)
    np.testing.assert_allclose(
        seen.ranges[network.convolutions[depthwise].input].high, values.max((0, 1, 2)), rtol=1e-5
    )


def tensor_values(network: Network, tensor: int, given: list[np.ndarray]) -> np.ndarray:
    """By ai-edge-litert, with every tensor kept."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=network.to_bytes(),
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    found = []
    for sample in given:
        interpreter.set_tensor(network.inputs[0], sample)
        interpreter.invoke()
        found.append(interpreter.get_tensor(tensor).copy())
    return np.concatenate(found).astype(np.float64)


def test_a_corrected_bias_restores_the_mean_of_the_outputs() -> None:
    network, given = Network(calibrated()), samples(6)
    seen = observe(network, given)
    checked = 0
    for number, convolution in enumerate(network.convolutions):
        weights, bias = network.values(convolution.weights), network.values(convolution.bias)
        if weights.shape[1] != 1 or not convolution.linear:
            continue
        coarse = round_to_nearest(weights * 0.9, convolution.channel_axis)  # far enough off to matter
        values = tensor_values(network, convolution.input, given).reshape(-1, weights.shape[3])
        exact = values @ weights.reshape(len(weights), -1).T + bias
        moved = values @ coarse.as_float().reshape(len(weights), -1).T
        moved += corrected_bias(bias, weights, coarse, seen.moments[number])
        np.testing.assert_allclose(moved.mean(0), exact.mean(0), rtol=1e-3, atol=1e-3)
        checked += 1
    assert checked == 4


def test_only_a_sigmoids_logits_are_capped() -> None:
    network = Network(calibrated())
    (place,) = [at for at in range(len(network.operators)) if network.kind(at) == "LOGISTIC"]
    logits = int(network.operators[place].inputs[0])
    network.set_range(logits, -31.0, 5.0)
    inner = network.convolutions[1].output
    before = network.range(inner)
    assert cap_logits(network) >= 1
    assert network.range(logits) == (-LOGIT_LIMIT, 5.0)
    assert network.range(inner) == before
    assert cap_logits(Network(calibrated(activation="softmax"))) == 0


def error(data: bytes) -> float:
    return float(np.abs(run(data, UNSEEN) - run(calibrated(), UNSEEN)).mean())


def test_int8_is_nearer_to_float_than_tensorflows_own() -> None:
    plain, made = quantize(calibrated()), corrected(calibrated(), quantize, samples(24))
    assert made.by_activations
    assert error(made.data) < 0.6 * error(plain)
    assert abs(len(made.data) - len(plain)) < 0.1 * len(plain) + 4096


def test_with_few_pictures_biases_are_corrected_alone() -> None:
    made = corrected(calibrated(), quantize, samples(ENOUGH_PICTURES - 1))
    assert not made.by_activations
    assert error(made.data) < error(quantize(calibrated()))


def test_the_same_input_gives_the_same_bytes() -> None:
    first, second = (corrected(calibrated(), quantize, samples(9)).data for _ in range(2))
    assert first == second


def changed(edit: Callable[[Network], None]) -> bytes:
    network = Network(calibrated())
    edit(network)
    return network.to_bytes()


def test_a_channel_of_zeros_keeps_its_bias() -> None:
    """Its own scale would be next to nothing, and its bias in steps of that beyond every integer."""

    def edit(network: Network) -> None:
        stem = network.convolutions[0]
        weights, bias = network.values(stem.weights), network.values(stem.bias)
        weights[3], bias[3] = 0, 1.5
        network.set_values(stem.weights, weights)
        network.set_values(stem.bias, bias)

    data = changed(edit)
    made = corrected(data, quantize, samples(9)).data
    difference = np.abs(run(made, UNSEEN) - run(data, UNSEEN)).mean()
    assert difference < 0.05
    quantized = Network(made)
    bias = quantized.convolutions[0].bias
    assert quantized.values(bias)[3] * quantized.scales(bias)[3] == pytest.approx(1.5, rel=1e-3)
