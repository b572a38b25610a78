"""A network that predicts what was recorded, where its input is the recorded one."""

from pathlib import Path
from typing import Any

import numpy as np


def save(folder: Path, image: np.ndarray, **outputs: np.ndarray) -> Path:
    """A SavedModel with the outputs [1, A, columns] for `image` [H, W, 3], and zeros for any other."""
    return _save(folder, image, {name: (values, values.shape[1]) for name, values in outputs.items()})


def save_joined(folder: Path, image: np.ndarray, rows: np.ndarray, predictions: int) -> Path:
    """The one output `all` [1, A, columns], of which the first `predictions` columns depend on the picture."""
    return _save(folder, image, {"all": (rows, predictions)})


def _save(folder: Path, image: np.ndarray, outputs: dict[str, tuple[np.ndarray, int]]) -> Path:
    import tensorflow as tf

    wanted = tf.constant(image[None], tf.float32)

    class Network(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec([1, *image.shape], tf.float32, "image")])
        def serve(self, given: Any) -> Any:
            # What edgeproof exports must have a convolution.
            seen = tf.nn.conv2d(given, tf.constant(np.eye(3, dtype=np.float32)[None, None]), 1, "SAME")
            same = tf.cast(tf.reduce_max(tf.abs(seen - wanted)) < 1e-3, tf.float32)
            return {
                name: tf.concat([values[None, :, :moving] * same, values[None, :, moving:]], axis=2)
                for name, (values, moving) in outputs.items()
            }

    network = Network()
    tf.saved_model.save(network, str(folder), signatures={"serving_default": network.serve})
    return folder
