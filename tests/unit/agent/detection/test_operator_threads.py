"""No detection is lost to threads: regular suppression in the graph runs with one, whatever number was asked for."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flatbuffers import flexbuffers
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof_agent.bundle.manifest import MODEL_FILE, RawHeadsContract
from edgeproof_agent.detection.box_decoding import BoxDecoder
from edgeproof_agent.detection.detector import load_detector
from edgeproof_agent.detection.interpreters import Runtime
from edgeproof_agent.detection.operator_threads import allowed_threads
from tests.support.example_manifest import MANIFEST
from tests.support.networks.detection_operator import attributes_of, write_operator_model
from tests.unit.agent.detection.test_box_decoding import REGULAR, USUAL, make_anchors, make_encodings, make_scores

ANCHORS, CLASSES = 400, 20
REGULAR_HUNDRED = replace(USUAL, nms=REGULAR, max_detections=100, score_threshold=0.3)
THREADS = (1, 2, 3, 4)


def operator_model(contract: RawHeadsContract) -> bytes:
    shapes = [(1, ANCHORS, 4), (1, ANCHORS, CLASSES + 1), (ANCHORS, 4)]
    return write_operator_model(attributes_of(contract, CLASSES), shapes)


@pytest.mark.parametrize("threads", THREADS)
def test_regular_suppression_in_the_graph_loses_nothing_with_any_number_of_threads(threads: int) -> None:
    interpreters = pytest.importorskip("ai_edge_litert.interpreter")
    random = np.random.default_rng(0)
    anchors = make_anchors(random, ANCHORS)
    scores, encodings = make_scores(random, "random", ANCHORS, CLASSES), make_encodings(random, "random", ANCHORS)
    model = operator_model(REGULAR_HUNDRED)
    interpreter = interpreters.Interpreter(model_content=model, num_threads=allowed_threads(model, threads))
    interpreter.allocate_tensors()
    for item, values in zip(interpreter.get_input_details(), (encodings[None], scores[None], anchors), strict=True):
        interpreter.set_tensor(item["index"], values)
    interpreter.invoke()
    boxes, _, found, count = (interpreter.get_tensor(item["index"])[0] for item in interpreter.get_output_details())
    ours = BoxDecoder(anchors, REGULAR_HUNDRED).decode(encodings, scores)
    assert int(count) == len(ours.scores) == 100
    np.testing.assert_array_equal(found, ours.scores)
    np.testing.assert_array_max_ulp(boxes, ours.boxes, maxulp=1)


@pytest.mark.parametrize("as_path", [True, False])
@pytest.mark.parametrize("threads", THREADS)
def test_only_regular_suppression_is_held_to_one_thread(tmp_path: Path, threads: int, as_path: bool) -> None:
    def allowed(data: bytes) -> int:
        path = tmp_path / "model.tflite"
        path.write_bytes(data)
        return allowed_threads(str(path) if as_path else data, threads)

    assert allowed(operator_model(REGULAR_HUNDRED)) == 1
    assert allowed(operator_model(USUAL)) == threads
    raw_heads = operator_model(REGULAR_HUNDRED).replace(
        b"TFLite_Detection_PostProcess", b"TFLite_Detection_Pre_Process"
    )
    assert allowed(raw_heads) == threads


@pytest.mark.parametrize("variant", ["float32", "int8"])
def test_models_of_a_converter_use_all_threads(tiny_bundles: dict[str, Path], variant: str) -> None:
    assert allowed_threads(str(tiny_bundles[variant] / MODEL_FILE), 4) == 4


def test_a_model_without_the_operator_and_what_is_no_model_are_left_to_the_runtime(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    for path in ("empty", "absent", "."):
        assert allowed_threads(str(tmp_path / path), 3) == 3
    assert allowed_threads(b"no model at all, and long enough to be looked at", 3) == 3


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_broken_file_never_raises_and_is_never_trusted_with_more_threads_when_its_options_are_gone(
    data: st.DataObject,
) -> None:
    model = bytearray(operator_model(REGULAR_HUNDRED))
    for _ in range(data.draw(st.integers(1, 8))):
        model[data.draw(st.integers(0, len(model) - 1))] = data.draw(st.integers(0, 255))
    assert allowed_threads(bytes(model), 3) in (1, 3)
    cut = data.draw(st.integers(0, len(model)))
    assert allowed_threads(bytes(model[:cut]), 3) in (1, 3)


def test_options_that_cannot_be_read_mean_one_thread() -> None:
    model = operator_model(USUAL)
    assert allowed_threads(model, 2) == 2
    options = flexbuffers.Dumps(attributes_of(USUAL, CLASSES))
    kind_of_root = model.index(options) + len(options) - 2
    assert allowed_threads(model[:kind_of_root] + b"\x04" + model[kind_of_root + 1 :], 2) == 1


class _Interpreters:
    """Notes how each interpreter was asked for."""

    def __init__(self) -> None:
        self.threads: list[int] = []

    def Interpreter(self, num_threads: int, **_: object) -> "_Interpreters":  # noqa: N802
        self.threads.append(num_threads)
        return self

    def allocate_tensors(self) -> None: ...


@pytest.mark.parametrize("threads", THREADS)
def test_a_detector_runs_with_one_thread_and_tells_that_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    (tmp_path / "bundle.json").write_text(json.dumps(MANIFEST.to_json()))
    (tmp_path / MODEL_FILE).write_bytes(operator_model(REGULAR_HUNDRED))
    interpreters = _Interpreters()
    built: list[int] = []

    def detector(manifest: object, interpreter: object, threads: int, *_: object) -> Any:
        built.append(threads)
        return None

    unchecked: Callable[..., None] = lambda *_: None  # noqa: E731
    monkeypatch.setattr("edgeproof_agent.detection.detector._check", unchecked)
    monkeypatch.setattr("edgeproof_agent.detection.detector.Detector", detector)
    load_detector(tmp_path, Runtime("any", "1", interpreters), threads)
    assert interpreters.threads == built == [1]
