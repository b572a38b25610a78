"""Box predictions of every convention become the same boxes as TFLite's operator decodes."""

import itertools

import numpy as np
import pytest

from edgeproof.ssd.conventions import BoxCoder, CoordinateOrder
from edgeproof.ssd.graph.box_treatment import BoxTreatment
from edgeproof.ssd.model import BoxScales
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof_agent.bundle.manifest import BoxScales as AgentScales
from edgeproof_agent.bundle.manifest import NonMaxSuppression, RawHeadsContract
from edgeproof_agent.detection.box_decoding import BoxDecoder

pytestmark = pytest.mark.tensorflow

SIZE = (200, 100)
ANCHORS = np.array([[0.2, 0.3, 0.2, 0.1], [0.7, 0.4, 0.3, 0.5], [0.5, 0.8, 0.1, 0.2]], np.float32)
BOXES = np.array([[0.12, 0.21, 0.33, 0.36], [0.5, 0.2, 0.9, 0.75], [0.44, 0.62, 0.52, 0.98]], np.float32)
"""ymin, xmin, ymax, xmax."""
SCALES = (10.0, 8.0, 5.0, 4.0)


def encode(coder: BoxCoder) -> np.ndarray:
    """[3, 4] y first, by each coder's definition, written down without the code under test."""
    cy, cx, h, w = ANCHORS.T
    ymin, xmin, ymax, xmax = BOXES.T
    columns = {
        BoxCoder.CENTRE: [
            ((ymin + ymax) / 2 - cy) / h * 10,
            ((xmin + xmax) / 2 - cx) / w * 8,
            np.log((ymax - ymin) / h) * 5,
            np.log((xmax - xmin) / w) * 4,
        ],
        BoxCoder.LINEAR_CORNERS: [
            (ymin - (cy - h / 2)) / h * 10,
            (xmin - (cx - w / 2)) / w * 8,
            (ymax - (cy + h / 2)) / h * 5,
            (xmax - (cx + w / 2)) / w * 4,
        ],
        BoxCoder.BOXES: [ymin, xmin, ymax, xmax],
        BoxCoder.PIXEL_BOXES: [ymin * 200, xmin * 100, ymax * 200, xmax * 100],
        BoxCoder.DISTANCES: [
            (cy - ymin) / h * 10,
            (cx - xmin) / w * 8,
            (ymax - cy) / h * 5,
            (xmax - cx) / w * 4,
        ],
    }
    return np.stack(columns[coder], axis=1).astype(np.float32)


def decode(encodings: np.ndarray, anchors: np.ndarray, scales: BoxScales) -> np.ndarray:
    """[3, 4] by the agent's decoder, which computes as the operator does, in the order of the anchors."""
    options = PostprocessOptions(iou_threshold=1.0)
    contract = RawHeadsContract(
        box_encodings=0,
        class_scores=1,
        box_scales=AgentScales(scales.y, scales.x, scales.height, scales.width),
        nms=NonMaxSuppression.FAST,
        max_detections=options.max_detections,
        classes_per_detection=1,
        detections_per_class=100,
        score_threshold=0.0,
        iou_threshold=1.0,
    )
    scores = np.array([[0, 0.9], [0, 0.8], [0, 0.7]], np.float32)
    return BoxDecoder(anchors, contract).decode(encodings, scores).boxes


@pytest.mark.parametrize(("coder", "order"), list(itertools.product(BoxCoder, CoordinateOrder)))
def test_every_coder_and_order_gives_the_boxes_that_were_encoded(coder: BoxCoder, order: CoordinateOrder) -> None:
    import tensorflow

    predictions = encode(coder)
    if order is CoordinateOrder.XY:
        predictions = predictions[:, [1, 0, 3, 2]]
    treatment = BoxTreatment(coder, order, SCALES, SIZE)
    treated = treatment.apply(tensorflow.constant(predictions[None]), ANCHORS).numpy()[0]
    boxes = decode(treated, treatment.canonical_anchors(ANCHORS), treatment.canonical_scales())
    np.testing.assert_allclose(boxes, BOXES, atol=2e-6)


def test_a_box_that_is_inside_out_stays_finite() -> None:
    import tensorflow

    inside_out = np.array([[[0.5, 0.5, 0.4, 0.4]]], np.float32)
    treated = BoxTreatment(BoxCoder.BOXES).apply(tensorflow.constant(inside_out), ANCHORS[:1]).numpy()
    assert np.isfinite(treated).all()


def test_the_usual_convention_is_left_alone_and_said_by_no_word() -> None:
    assert BoxTreatment().changes_nothing
    assert BoxTreatment().words() == ""
    transposed = BoxTreatment(order=CoordinateOrder.XY)
    assert not transposed.changes_nothing
    assert transposed.words() == "box coder centre, x first"
