"""Fake quantization leaves a graph: weights keep the values that they were rounded to."""

from typing import Any

import numpy as np
import pytest

from edgeproof.ssd.graph.fake_quantization import without_fake_quantization

pytestmark = pytest.mark.tensorflow

LOW, HIGH, BITS = -1.0, 1.0, 4


def trained(per_channel: bool = False) -> Any:
    """A convolution of 4-bit weights and a quantized activation, as quantization-aware training leaves them."""
    import tensorflow as tf

    weights = np.linspace(-1, 1, 12, dtype=np.float32).reshape(1, 1, 3, 4)
    with tf.Graph().as_default() as graph:
        image = tf.compat.v1.placeholder(tf.float32, [1, 4, 4, 3], name="image")
        kernel = tf.constant(weights, name="kernel")
        if per_channel:
            ranges = (tf.constant([LOW] * 4), tf.constant([HIGH] * 4))
            rounded = tf.quantization.fake_quant_with_min_max_vars_per_channel(kernel, *ranges, BITS, name="rounded")
        else:
            rounded = tf.quantization.fake_quant_with_min_max_vars(
                kernel, tf.constant(LOW), tf.constant(HIGH), BITS, name="rounded"
            )
        layer = tf.nn.conv2d(image, rounded, 1, "SAME")
        tf.quantization.fake_quant_with_min_max_args(layer, -6, 6, name="out")
    return graph.as_graph_def()


@pytest.mark.parametrize("per_channel", [False, True])
def test_weights_keep_their_steps_and_activations_pass(per_channel: bool) -> None:
    import tensorflow as tf

    plain, taken_out = without_fake_quantization(trained(per_channel))
    assert taken_out == 2
    nodes = {node.name: node for node in plain.node}
    assert (nodes["rounded"].op, nodes["out"].op) == ("Const", "Identity")
    values = tf.make_ndarray(nodes["rounded"].attr["value"].tensor)
    # fake_quant_ops_functor.h moves the range so that 0 is a step: here by half a step of 2/15.
    step = (HIGH - LOW) / (2**BITS - 1)
    given = np.linspace(-1, 1, 12).reshape(values.shape)
    np.testing.assert_allclose(values / step, np.round(values / step), atol=1e-4)
    assert 0.01 < np.abs(values - given).max() <= step
    with tf.Graph().as_default():
        tf.import_graph_def(plain, name="")  # its edges and types are sound


def test_a_graph_without_it_is_left_as_it_is() -> None:
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        tf.constant(1.0)
    definition = graph.as_graph_def()
    assert without_fake_quantization(definition) == (definition, 0)
