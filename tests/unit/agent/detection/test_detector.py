"""What a model gives out becomes detections, or is refused in words."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgeproof_agent.bundle.manifest import OutputContract
from edgeproof_agent.detection.checks import DetectionError
from edgeproof_agent.detection.detector import Detector
from tests.support.example_manifest import MANIFEST

ROWS = 10
PICTURE = np.zeros((30, 40, 3), np.uint8)


class Interpreter:
    """Gives out ten sound rows, of which it counts as many as it is told."""

    def __init__(self, count: float, classes: "list[float] | None" = None) -> None:
        corners = np.linspace(0.1, 0.9, ROWS, dtype=np.float32)
        boxes = np.stack([corners - 0.1, corners - 0.1, corners, corners], axis=1)
        self.outputs: list[Any] = [
            boxes,
            np.array(classes or [0.0] * ROWS, np.float32),
            np.linspace(0.9, 0.5, ROWS, dtype=np.float32),
            np.float32(count),
        ]
        self.input = np.empty((1, MANIFEST.input.height, MANIFEST.input.width, 3), np.uint8)
        self.runs = 0

    def get_input_details(self) -> list[dict[str, Any]]:
        return [{"index": 0}]

    def get_output_details(self) -> list[dict[str, Any]]:
        return [{"index": index} for index in range(4)]

    def tensor(self, index: int) -> Callable[[], np.ndarray]:
        assert index == 0
        return lambda: self.input

    def invoke(self) -> None:
        self.runs += 1

    def get_tensor(self, index: int) -> np.ndarray:
        return np.asarray(self.outputs[index])[np.newaxis]


def detector(interpreter: Interpreter) -> Detector:
    return Detector(MANIFEST, interpreter, threads=1, load_ns=0)


@pytest.mark.parametrize("count", [0, 1, 7, ROWS])
def test_as_many_rows_as_the_model_counts_are_detections(count: int) -> None:
    found = detector(Interpreter(count)).detect(PICTURE)
    assert [len(values) for values in (found.boxes, found.classes, found.scores)] == [count] * 3
    assert (found.height, found.width) == (30, 40)


@pytest.mark.parametrize("count", [ROWS + 1, 1000, -1])
def test_a_count_beyond_the_rows_is_refused(count: int) -> None:
    with pytest.raises(DetectionError, match=f"the model counted {count} detections and has room for {ROWS}"):
        detector(Interpreter(count)).detect(PICTURE)


@pytest.mark.parametrize("count", [float("nan"), float("inf")])
def test_a_count_that_is_no_number_is_refused(count: float) -> None:
    with pytest.raises(DetectionError, match="a count of detections"):
        detector(Interpreter(count)).detect(PICTURE)


def test_several_classes_a_detection_take_as_many_rows_each() -> None:
    assert isinstance(MANIFEST.output, OutputContract)
    output = replace(MANIFEST.output, classes_per_detection=2)
    with_two = Detector(replace(MANIFEST, output=output), Interpreter(5), threads=1, load_ns=0)
    assert len(with_two.detect(PICTURE).scores) == 10
    with pytest.raises(DetectionError, match="counted 6 detections and has room for 5"):
        Detector(replace(MANIFEST, output=output), Interpreter(6), threads=1, load_ns=0).detect(PICTURE)


def test_the_stages_add_up_and_the_model_runs_once() -> None:
    interpreter = Interpreter(1)
    stages = detector(interpreter).detect(PICTURE, {"decode": 5}).stages_ns
    assert interpreter.runs == 1
    assert stages.pop("total") == sum(stages.values())
    assert list(stages) == ["decode", "preprocess", "invoke", "postprocess"]


def test_raw_outputs_hold_what_the_model_wrote_and_nothing_that_lay_behind_it() -> None:
    """The operator leaves the rows beyond its count as they were: equal runs would differ in them."""
    one, other = Interpreter(4), Interpreter(4)
    for output, rubbish in zip(other.outputs[:3], (7.0, np.nan, np.inf), strict=True):
        output[4:] = rubbish
    told = []
    for interpreter in (one, other):
        loaded = detector(interpreter)
        loaded.detect(PICTURE)
        told.append(loaded.raw_outputs())
    for first, second in zip(*told, strict=True):
        np.testing.assert_array_equal(first, second)
    boxes, _, scores, count = told[0]
    np.testing.assert_array_equal(boxes[0, :4], one.outputs[0][:4])
    np.testing.assert_array_equal(scores[0, :4], one.outputs[2][:4])
    assert not boxes[0, 4:].any()
    assert count.tolist() == [4.0]


def test_a_tensor_prepared_ahead_of_time_gives_what_its_picture_gives() -> None:
    picture = np.random.default_rng(3).integers(0, 256, (30, 40, 3), np.uint8)
    at_once, ahead = Interpreter(7), Interpreter(7)
    wanted = detector(at_once).detect(picture, {"capture": 5})
    prepared = detector(ahead).prepare(picture)
    found = detector(ahead).detect_prepared(prepared, 30, 40, {"capture": 5, "preprocess": 10_000_000_000})
    assert (ahead.input == at_once.input).all()
    assert ahead.runs == 1
    assert (found.height, found.width, len(found.scores)) == (wanted.height, wanted.width, len(wanted.scores))
    assert set(found.stages_ns) == set(wanted.stages_ns)
    assert found.stages_ns["preprocess"] > 10_000_000_000, "copying it counts as well"
    assert found.stages_ns["total"] == sum(ns for stage, ns in found.stages_ns.items() if stage != "total")
