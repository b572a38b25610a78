"""The agent's own decoding gives what `TFLite_Detection_PostProcess` gives, operator against code, ties included."""

from dataclasses import replace

import numpy as np
import pytest

from edgeproof_agent.bundle.manifest import BoxScales, NonMaxSuppression, RawHeadsContract
from edgeproof_agent.detection.box_decoding import BoxDecoder
from edgeproof_agent.detection.partial_sort import partial_argsort
from tests.support.networks.detection_operator import OperatorModel

pytest.importorskip("ai_edge_litert.interpreter")

FAST, REGULAR = NonMaxSuppression.FAST, NonMaxSuppression.REGULAR
USUAL = RawHeadsContract(
    box_encodings=0,
    class_scores=1,
    box_scales=BoxScales(10.0, 10.0, 5.0, 5.0),
    nms=FAST,
    max_detections=10,
    classes_per_detection=1,
    detections_per_class=100,
    score_threshold=1e-8,
    iou_threshold=0.6,
)
CONTRACTS = {
    "fast": USUAL,
    "fast, many": replace(USUAL, max_detections=100, score_threshold=0.3, iou_threshold=0.45),
    "fast, one": replace(USUAL, max_detections=1, box_scales=BoxScales(10.0, 8.0, 5.0, 4.0)),
    "fast, three classes": replace(USUAL, classes_per_detection=3),
    "fast, all overlaps": replace(USUAL, iou_threshold=1.0),
    "regular": replace(USUAL, nms=REGULAR, score_threshold=0.3),
    "regular, tiny threshold": replace(USUAL, nms=REGULAR),
    "regular, one": replace(USUAL, nms=REGULAR, max_detections=1),
    "regular, few of a class": replace(USUAL, nms=REGULAR, detections_per_class=2, max_detections=7),
    "regular, many": replace(USUAL, nms=REGULAR, max_detections=100, score_threshold=0.05, iou_threshold=0.3),
}
SCORES = ("random", "scene", "quantized", "two values", "equal", "zero")


def make_anchors(random: np.random.Generator, count: int) -> np.ndarray:
    return np.concatenate([random.uniform(0, 1, (count, 2)), random.uniform(0.05, 0.5, (count, 2))], 1).astype("f4")


def make_scores(random: np.random.Generator, kind: str, anchors: int, classes: int) -> np.ndarray:
    """[anchors, 1 + classes], as a sigmoid gives them."""
    shape = (anchors, classes + 1)
    if kind == "scene":  # nearly nothing everywhere, a few objects that many anchors see
        scores = random.uniform(0, 0.004, shape)
        seen = random.integers(0, anchors, max(anchors // 50, 3))
        scores[seen, random.integers(1, classes + 1, len(seen))] = random.uniform(0.2, 1, len(seen))
    else:
        scores = random.uniform(0, 1, shape)
    if kind == "quantized":  # as int8 gives them: 256 steps
        scores = np.rint(scores * 256) / 256
    elif kind == "two values":
        scores = np.where(scores > 0.7, 0.5, 0.25)
    elif kind in ("equal", "zero"):
        scores = np.full(shape, 0.5 if kind == "equal" else 0.0)
    return scores.astype(np.float32)


def make_encodings(random: np.random.Generator, kind: str, anchors: int) -> np.ndarray:
    encodings = random.normal(0, 2, (anchors, 4))
    if kind in ("quantized", "two values", "equal"):
        encodings = np.rint(encodings)  # boxes that coincide
    return encodings.astype(np.float32)


def assert_same(decoder: BoxDecoder, operator: OperatorModel, encodings: np.ndarray, scores: np.ndarray) -> int:
    """Compares, and returns the number of detections."""
    boxes, classes, found = operator(encodings, scores)
    ours = decoder.decode(encodings, scores)
    np.testing.assert_array_equal(ours.scores, found)
    np.testing.assert_array_equal(ours.classes, classes)
    np.testing.assert_array_max_ulp(ours.boxes, boxes, maxulp=1)
    assert [str(array.dtype) for array in (ours.boxes, ours.classes, ours.scores)] == ["float32", "int32", "float32"]
    return len(found)


@pytest.mark.parametrize("scores", SCORES)
@pytest.mark.parametrize("name", CONTRACTS)
def test_detections_are_those_of_the_operator(name: str, scores: str) -> None:
    contract = CONTRACTS[name]
    random = np.random.default_rng(0)
    total = 0
    for anchors, classes, rounds in ((1, 3, 10), (12, 3, 40), (100, 7, 30), (400, 20, 8)):
        if name == "regular, many" and anchors == 400:
            rounds = 3
        grid = make_anchors(random, anchors)
        operator, decoder = OperatorModel(contract, grid, classes), BoxDecoder(grid, contract)
        for _ in range(rounds):
            encodings = make_encodings(random, scores, anchors)
            total += assert_same(decoder, operator, encodings, make_scores(random, scores, anchors, classes))
    assert (total > 0) == (scores != "zero")


@pytest.mark.parametrize("name", CONTRACTS)
def test_one_class_is_enough(name: str) -> None:
    contract = replace(CONTRACTS[name], classes_per_detection=1)
    random = np.random.default_rng(1)
    grid = make_anchors(random, 150)
    operator, decoder = OperatorModel(contract, grid, 1), BoxDecoder(grid, contract)
    for kind in SCORES:
        assert_same(decoder, operator, make_encodings(random, kind, 150), make_scores(random, kind, 150, 1))


@pytest.mark.parametrize("nms", [FAST, REGULAR])
def test_a_real_size_is_the_same(nms: NonMaxSuppression) -> None:
    """1917 anchors and 90 classes: an SSD MobileNet on COCO."""
    random = np.random.default_rng(2)
    contract = replace(USUAL, nms=nms, max_detections=20)
    grid = make_anchors(random, 1917)
    operator, decoder = OperatorModel(contract, grid, 90), BoxDecoder(grid, contract)
    for kind in ("scene", "quantized"):
        for _ in range(4):
            assert_same(decoder, operator, make_encodings(random, kind, 1917), make_scores(random, kind, 1917, 90))


def test_a_box_without_an_area_suppresses_nothing() -> None:
    grid = np.array([[0.5, 0.5, 1e-30, 1e-30]] * 3, np.float32)
    scores = np.array([[0, 0.9], [0, 0.8], [0, 0.7]], np.float32)
    encodings = np.full((3, 4), -500, np.float32)
    assert assert_same(BoxDecoder(grid, USUAL), OperatorModel(USUAL, grid, 1), encodings, scores) == 3


@pytest.mark.parametrize("nms", [FAST, REGULAR])
def test_weak_boxes_fill_the_list_when_all_strong_ones_are_one_object(nms: NonMaxSuppression) -> None:
    contract = replace(USUAL, nms=nms)
    grid = make_anchors(np.random.default_rng(4), 600)
    grid[:500] = grid[0]
    scores = np.linspace(0.9, 0.1, 600, dtype=np.float32)[:, np.newaxis].repeat(3, axis=1)
    encodings = np.zeros((600, 4), np.float32)
    assert assert_same(BoxDecoder(grid, contract), OperatorModel(contract, grid, 2), encodings, scores) == 10


def test_a_score_at_the_threshold_counts() -> None:
    contract = replace(USUAL, score_threshold=0.3)
    grid = make_anchors(np.random.default_rng(3), 3)
    scores = np.array([[0, 0.3], [0, np.nextafter(np.float32(0.3), np.float32(0))], [0, 0.9]], np.float32)
    encodings = np.zeros((3, 4), np.float32)
    operator, decoder = OperatorModel(contract, grid, 1), BoxDecoder(grid, contract)
    assert_same(decoder, operator, encodings, scores)
    assert decoder.decode(encodings, scores).scores.tolist() == [np.float32(0.9), np.float32(0.3)]


def test_without_ties_a_partial_sort_is_any_sort() -> None:
    values = np.array([0.1, 0.9, 0.5, 0.7, 0.2], np.float32)
    assert partial_argsort(values, 3).tolist() == [1, 3, 2]
    assert partial_argsort(values, 5).tolist() == [1, 3, 2, 4, 0]
    assert partial_argsort(values[:0], 0).tolist() == []


def test_for_one_value_the_first_of_equals_wins() -> None:
    assert partial_argsort(np.array([0.2, 0.9, 0.9], np.float32), 1).tolist() == [1]
