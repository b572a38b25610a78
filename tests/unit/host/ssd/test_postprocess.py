"""Attributes of TFLite_Detection_PostProcess, and the limits of what may be asked for."""

from typing import Any

import numpy as np
import pytest

from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.ssd.files.labels import Labels
from edgeproof.ssd.model import BoxScales, Heads, Source, SsdModel
from edgeproof.ssd.postprocess import PostprocessOptions, composite_signature
from edgeproof_agent.bundle.manifest import ColourOrder, Coordinates, InputContract


def make_model(**changes: Any) -> SsdModel:
    anchors = np.tile(np.array([0.5, 0.5, 0.2, 0.2], np.float32), (6, 1))
    parts: dict[str, Any] = {
        "name": "made up",
        "heads": Heads(module=None, box_encodings_shape=(1, 6, 4), class_scores_shape=(1, 6, 3)),
        "anchors": anchors,
        "box_scales": BoxScales(10.0, 11.0, 5.0, 6.0),
        "input": InputContract(64, 64, ColourOrder.RGB, Coordinates.ASYMMETRIC, mean=(127.5,) * 3, std=(127.5,) * 3),
        "labels": Labels(("a", "b")),
        "source": Source("test", "made up", "made-up.pb", "0" * 64),
    }
    return SsdModel(**{**parts, **changes})


def test_the_signature_carries_every_attribute_with_its_type() -> None:
    options = PostprocessOptions(max_detections=7, score_threshold=0.25, iou_threshold=0.5, use_regular_nms=True)
    signature = composite_signature(make_model(), options)
    assert signature.startswith('name: "TFLite_Detection_PostProcess" ')
    for attribute in (
        'key: "max_detections" value { i: 7 }',
        'key: "max_classes_per_detection" value { i: 1 }',
        'key: "detections_per_class" value { i: 100 }',
        'key: "use_regular_nms" value { b: true }',
        'key: "nms_score_threshold" value { f: 0.25 }',
        'key: "nms_iou_threshold" value { f: 0.5 }',
        'key: "y_scale" value { f: 10.0 }',
        'key: "x_scale" value { f: 11.0 }',
        'key: "h_scale" value { f: 5.0 }',
        'key: "w_scale" value { f: 6.0 }',
        'key: "num_classes" value { i: 2 }',
    ):
        assert f"attr {{ {attribute} }}" in signature


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_detections": 0},
        {"max_detections": 10_001},
        {"max_classes_per_detection": 0},
        {"score_threshold": 1.0},
        {"score_threshold": -0.1},
        {"score_threshold": float("nan")},
        {"iou_threshold": 0.0},
        {"iou_threshold": 1.5},
    ],
)
def test_values_that_the_operator_cannot_take_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="must be"):
        PostprocessOptions(**wrong)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"anchors": np.ones((5, 4), np.float32)}, "box encodings 6, class scores 6, anchors 5"),
        ({"anchors": np.ones((6, 3), np.float32)}, r"float32 \[6, 3\], expected float32 \[anchors, 4\]"),
        ({"anchors": np.ones((6, 4), np.float64)}, "the anchors are float64"),
        ({"anchors": np.full((6, 4), np.nan, np.float32)}, "not finite"),
        ({"anchors": np.zeros((6, 4), np.float32)}, "no height or no width"),
        ({"anchors": np.full((6, 4), 150, np.float32)}, r"pixels\?"),
        ({"heads": Heads(None, (1, 6, 4), (1, 7, 3))}, "class scores 7"),
        ({"heads": Heads(None, (1, 6, 5), (1, 6, 3))}, r"shape \[1, 6, 5\]"),
        ({"heads": Heads(None, (2, 6, 4), (2, 6, 3))}, r"expected \[1, anchors, 4\]"),
        ({"heads": Heads(None, (1, 6, 4), (1, 6, 1))}, r"background \+ classes"),
        ({"box_scales": BoxScales(10.0, 0.0, 5.0, 5.0)}, "not all positive"),
    ],
)
def test_parts_that_do_not_fit_together_are_no_ssd(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotAnSsdError, match=reason):
        make_model(**changes)


def test_the_background_is_no_class() -> None:
    assert make_model().num_classes == 2
    assert make_model().num_anchors == 6
