"""A SavedModel with a composite of the user's own, whose constant anchors TensorFlow folds into the function."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.errors import UsageError
from edgeproof.ssd.source_options import SourceOptions
from tests.support.networks import planted_conventions
from tests.support.reading import read_source

pytestmark = pytest.mark.tensorflow

SIGNATURE = 'name: "TFLite_Detection_PostProcess" ' + " ".join(
    f'attr {{ key: "{key}" value {{ f: {value} }} }}'
    for key, value in {"y_scale": 8.0, "x_scale": 6.0, "h_scale": 4.0, "w_scale": 2.0}.items()
)


def save(folder: Path, anchors_in_body: bool) -> Path:
    import tensorflow as tf

    given = planted_conventions.anchors()[:, [0, 1, 3, 2]]

    class Detector(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec([1, 64, 64, 3], tf.float32, "image")])
        def serve(self, image: Any) -> Any:
            @tf.function(experimental_implements=SIGNATURE)
            def post(boxes: Any, scores: Any, anchors: Any) -> Any:
                moved = boxes + anchors[None] if anchors_in_body else boxes
                return moved[:, :10], scores[:, :10, 0], scores[:, :10, 1], scores[:, 0, 0]

            kernel = tf.constant(np.linspace(-1, 1, 8 * 8 * 3 * 7, dtype=np.float32).reshape(8, 8, 3, 7))
            seen = tf.reshape(tf.nn.conv2d(image, kernel, 8, "SAME"), [1, 64, 7])
            found = post(seen[:, :, :4], tf.sigmoid(seen[:, :, 4:]), tf.constant(given))
            return dict(zip(("detection_boxes", "detection_classes", "scores", "count"), found, strict=True))

    detector = Detector()
    tf.saved_model.save(detector, str(folder), signatures={"serving_default": detector.serve})
    return folder


def test_anchors_are_taken_from_the_composite_or_asked_for_and_scales_from_its_attributes(tmp_path: Path) -> None:
    model = read_source(save(tmp_path / "model", anchors_in_body=True))
    np.testing.assert_allclose(model.anchors, planted_conventions.anchors()[:, [0, 1, 3, 2]])
    scales = model.box_scales
    assert (scales.y, scales.x, scales.height, scales.width) == (8, 6, 4, 2)


def test_anchors_of_a_file_are_counted(tmp_path: Path) -> None:
    source = save(tmp_path / "model", anchors_in_body=True)
    np.save(tmp_path / "anchors.npy", planted_conventions.anchors()[:9])
    with pytest.raises(UsageError, match="there are 9 anchors and heads for 64"):
        read_source(source, options=SourceOptions(anchors=str(tmp_path / "anchors.npy")))
