"""A network that is cut out of a loaded model stands on its own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.graph.graph import Graph
from edgeproof.ssd.graph.graph_cut import cut_network, heads_module
from edgeproof.ssd.graph.input_range import stated_contract
from edgeproof.ssd.readers.saved_model import freeze_saved_model
from edgeproof.ssd.source_options import SourceOptions
from edgeproof_agent.bundle.manifest import Coordinates

pytestmark = pytest.mark.tensorflow


def test_an_activation_with_a_gradient_of_its_own_can_be_saved(tmp_path: Path) -> None:
    """EfficientDet's swish: what is loaded from a SavedModel carries the name of its gradient."""
    import tensorflow

    spec = tensorflow.TensorSpec((1, 4, 4, 3), tensorflow.float32)
    activation = tensorflow.function(lambda image: {"heads": tensorflow.nn.silu(image * 2, beta=1.5)}, [spec])
    module = tensorflow.Module()
    module.run = activation
    tensorflow.saved_model.save(module, str(tmp_path / "model"), signatures=activation)
    network, _ = freeze_saved_model(tmp_path / "model")
    assert any("_gradient_op_type" in node.attr for node in network.graph.nodes()), "the case is not met"
    heads = network.outputs["heads"]
    cut = heads_module(cut_network(network.graph, network.image, (1, 4, 4, 3), [heads, heads], "model"), 0, 1)
    tensorflow.saved_model.save(cut, str(tmp_path / "cut"))
    picture = np.linspace(-1, 1, 48, dtype=np.float32).reshape(1, 4, 4, 3)
    boxes, _ = cut.heads(tensorflow.constant(picture))
    np.testing.assert_allclose(boxes, 2 * picture / (1 + np.exp(-3 * picture)), atol=1e-6)


def test_a_picture_of_bytes_that_is_cast_inside_a_function_becomes_float(tmp_path: Path) -> None:
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((1, 4, 4, 3), tf.uint8, "image")])
    def serve(image: Any) -> Any:
        return {"heads": tf.cast(image, tf.float32) / 127.5 - 1}

    module = tf.Module()
    module.serve = serve
    tf.saved_model.save(module, str(tmp_path), signatures=serve)
    network, _ = freeze_saved_model(tmp_path)
    contract, words = stated_contract(
        network.graph, network.image, (1, 4, 4, 3), SourceOptions(), Coordinates.HALF_PIXEL, "model"
    )
    assert (contract.mean, contract.std, words) == ((0.0,) * 3, (1.0,) * 3, "input 0..255 (it normalises them itself)")
    cut = cut_network(network.graph, network.image, (1, 4, 4, 3), [network.outputs["heads"]], "model")
    picture = np.linspace(0, 255, 48, dtype=np.float32).reshape(1, 4, 4, 3)
    np.testing.assert_allclose(cut(tf.constant(picture))[0], picture / 127.5 - 1, atol=1e-6)


def test_a_computation_with_bytes_is_named() -> None:
    import tensorflow as tf

    graph = tf.Graph()
    with graph.as_default():
        image = tf.compat.v1.placeholder(tf.uint8, (1, 4, 4, 3), "image")
        tf.cast(tf.maximum(image, tf.constant(3, tf.uint8), "brighter"), tf.float32, name="heads")
    with pytest.raises(NotAnSsdError, match=r"'brighter' \(Maximum\) computes .* tf\.cast\(image, tf\.float32\)"):
        cut_network(Graph(graph.as_graph_def()), "image", (1, 4, 4, 3), ["heads"], "model")


def test_a_model_that_was_saved_in_training_mode_is_called_so(tmp_path: Path) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.mean = tf.Variable(tf.zeros(3))

    @tf.function(input_signature=[tf.TensorSpec((1, 4, 4, 3), tf.float32, "image")])
    def serve(image: Any) -> Any:
        module.mean.assign(0.9 * module.mean + 0.1 * tf.reduce_mean(image, [0, 1, 2]))
        return {"heads": image - module.mean}

    module.serve = serve
    tf.saved_model.save(module, str(tmp_path), signatures=serve)
    with pytest.raises(NotAnSsdError, match=r"saved in training mode.* training=False"):
        freeze_saved_model(tmp_path)
