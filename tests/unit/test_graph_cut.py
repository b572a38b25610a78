"""A network that is cut out of a loaded model stands on its own."""

from pathlib import Path

import numpy as np
import pytest

from edgeproof.ssd.graph_cut import cut_network, heads_module
from edgeproof.ssd.saved_model import freeze_saved_model

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
