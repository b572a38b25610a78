"""Which output means what is found by names, by the operator, by shapes and by values, and never guessed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeproof.tflite.file import TensorInfo, TfliteFile, read_tflite
from edgeproof.tflite.output_map import Evidence, map_outputs
from tests.support.networks.detection_operator import attributes_of, write_operator_model
from tests.unit.agent.detection.test_box_decoding import USUAL

NAMES = ("detection_boxes", "detection_classes", "detection_scores", "num_detections")
BOXES = np.array([[[0.1, 0.1, 0.5, 0.5], [0.2, 0.3, 0.4, 0.9], [0, 0, 0, 0]]], np.float32)
CLASSES = np.array([[3, 0, 17.5]], np.float32)  # behind the count lies uninitialised memory
SCORES = np.array([[0.9, 0.4, 4.33]], np.float32)
COUNT = np.array([2], np.float32)


def file_with(*shapes: tuple[int, ...]) -> TfliteFile:
    outputs = tuple(TensorInfo(f"StatefulPartitionedCall:{i}", s, "float32", None, False) for i, s in enumerate(shapes))
    return TfliteFile(0, (), outputs, {}, (), (), ())


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
def test_the_operator_s_own_outputs_tell_the_order_without_a_signature(order: tuple[int, ...]) -> None:
    data = write_operator_model(attributes_of(USUAL, 3), [(1, 5, 4), (1, 5, 4), (5, 4)], order)
    found = map_outputs(read_tflite(data))
    assert found is not None
    assert found.evidence is Evidence.OPERATOR
    assert {name: order[place] for name, place in found.positions.items()} == {n: i for i, n in enumerate(NAMES)}


def test_names_of_a_signature_come_first(tiny_bundles: dict[str, Path], tiny_raw_bundles: dict[str, Path]) -> None:
    file = read_tflite((tiny_bundles["int8"] / "model.tflite").read_bytes())
    (signature,) = file.signatures
    own = replace(signature, outputs={name: place for place, name in enumerate(NAMES)})
    file = replace(file, signatures=(own,))
    named, unnamed = map_outputs(file), map_outputs(replace(file, signatures=()))
    assert named is not None
    assert unnamed is not None
    assert (named.evidence, unnamed.evidence) == (Evidence.SIGNATURE, Evidence.OPERATOR)
    assert named.positions == unnamed.positions
    assert set(named.positions) == set(NAMES)
    raw = map_outputs(read_tflite((tiny_raw_bundles["int8"] / "model.tflite").read_bytes()))
    assert raw is not None
    assert raw.raw_heads


@pytest.mark.parametrize(("shapes", "boxes"), [(((1, 9, 4), (1, 9, 3)), 0), (((1, 9, 91), (1, 9, 4)), 1)])
def test_raw_heads_are_told_by_their_shapes(shapes: tuple[tuple[int, ...], ...], boxes: int) -> None:
    found = map_outputs(file_with(*shapes))
    assert found is not None
    assert found.positions == {"box_encodings": boxes, "class_scores": 1 - boxes}
    assert found.evidence is Evidence.SHAPES


@pytest.mark.parametrize(
    "shapes",
    [
        ((1, 9, 4), (1, 9, 4)),  # three classes look like boxes
        ((1, 9, 4), (1, 8, 3)),
        ((2, 9, 4), (2, 9, 3)),
        ((1, 1001),),
        ((1, 3, 4), (1, 3), (1, 3), (1,)),  # classes and scores look alike
        ((), (), (), ()),
    ],
)
def test_shapes_that_do_not_tell_are_no_guess(shapes: tuple[tuple[int, ...], ...]) -> None:
    assert map_outputs(file_with(*shapes)) is None


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_values_of_a_run_tell_classes_from_scores(order: tuple[int, ...]) -> None:
    arrays = [(BOXES, CLASSES, SCORES, COUNT)[index] for index in order]
    found = map_outputs(file_with((), (), (), ()), arrays)
    assert found is not None
    assert found.evidence is Evidence.VALUES
    assert {name: order[place] for name, place in found.positions.items()} == {n: i for i, n in enumerate(NAMES)}


@pytest.mark.parametrize(
    "arrays",
    [
        (BOXES, CLASSES, SCORES, np.array([1], np.float32)),  # one row proves nothing
        (BOXES, CLASSES, np.array([[1, 0, 0]], np.float32), COUNT),  # saturated scores are whole numbers
        (BOXES, CLASSES, np.array([[0.4, 0.9, 0]], np.float32), COUNT),  # scores do not rise
        (BOXES, BOXES, SCORES, COUNT),
    ],
)
def test_values_that_do_not_tell_are_no_guess(arrays: tuple[np.ndarray, ...]) -> None:
    assert map_outputs(file_with((), (), (), ()), arrays) is None


def test_of_two_heads_that_look_alike_the_scores_lie_in_0_to_1() -> None:
    boxes, scores = np.array([[[-1.0, 2, 0, 1]]], np.float32), np.array([[[0.1, 0.2, 0.9, 0]]], np.float32)
    found = map_outputs(file_with((1, 1, 4), (1, 1, 4)), (scores, boxes))
    assert found is not None
    assert found.positions == {"box_encodings": 1, "class_scores": 0}
    assert map_outputs(file_with((1, 1, 4), (1, 1, 4)), (scores, scores)) is None
