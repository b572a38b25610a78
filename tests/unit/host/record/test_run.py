"""report.json: the schema's fields, absent where nothing was measured."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeproof.record.detections import Detections, PictureResult
from edgeproof.record.pictures import Picture
from edgeproof.record.run import BundleFacts, Report, Run
from edgeproof.record.verdict.claims import Answer
from edgeproof.verify.latency import latency_of
from edgeproof_agent.bundle.manifest import FileEntry
from edgeproof_agent.bundle.manifest_reader import parse_manifest
from tests.support import sample_report as sample

MANIFEST = {
    "schema": "edgeproof.bundle/1",
    "name": "pedestrian",
    "variant": "int8",
    "files": {
        "model.tflite": {"sha256": "0" * 64, "size_bytes": 3_800_000},
        "labels.txt": {"sha256": "1" * 64, "size_bytes": 7},
    },
    "input": {
        "height": 300, "width": 320, "colour_order": "rgb", "resize": "stretch", "interpolation": "bilinear",
        "coordinates": "asymmetric", "mean": [127.5, 127.5, 127.5], "std": [127.5, 127.5, 127.5], "dtype": "uint8",
        "quantization": {"scale": 0.0078125, "zero_point": 127},
    },
    "output": {"decoder": "in_graph", "boxes": 0, "classes": 1, "scores": 2, "count": 3, "max_detections": 10},
    "labels": {"label_offset": 0, "category_offset": 1},
    "provenance": {"source": {"kind": "frozen_graph", "sha256": "5" * 64}},
}  # fmt: skip


def result(*scores: float, classes: tuple[int, ...] | None = None) -> PictureResult:
    boxes = np.tile(np.array([0.1, 0.2, 0.6, 0.7], np.float32), (len(scores), 1))
    indices = np.array(classes if classes is not None else [0] * len(scores), np.int32)
    return PictureResult("a.jpg", 200, 100, Detections(boxes, indices, np.array(scores, np.float32)), {"total": 5})


def test_a_run_has_the_schema_s_fields() -> None:
    data = Report((sample.run(),)).to_json()
    (run,) = data["runs"]
    assert data["schema"] == "edgeproof.report/2"
    assert run["board"]["runtime"] == {"name": "tflite-runtime", "version": "2.14.0"}
    assert run["board"]["state"]["before"]["temperature_celsius"] == 51.2
    assert run["board"]["state"]["after"]["temperature_celsius"] == 58.9
    assert {"name", "machine", "os", "arch", "python", "emulated"} <= set(run["board"])
    assert run["bundle"]["digest"] == "a8" * 32
    assert next(iter(run)) == "bundle"
    assert list(run["bundle"])[:2] == ["name", "variant"]
    assert run["bundle"]["provenance"]["source"] == {"kind": "frozen_graph", "sha256": "5e" * 32}
    assert run["detections"] == {
        "images": 4, "file": "detections/tflite-runtime-int8.json", "listed_from_score": 0.5
    }  # fmt: skip


def test_latency_is_in_ms_by_stage_in_the_order_of_the_stages() -> None:
    latency = Report((sample.run(),)).to_json()["runs"][0]["latency"]
    assert (latency["runs"], latency["warmup_runs"], latency["threads"]) == (200, 10, 2)
    assert (latency["load_ms"], latency["first_ms"], latency["peak_rss_mib"]) == (123.0, 61.0, 112.4)
    assert list(latency["stages"]) == ["decode", "preprocess", "invoke", "postprocess", "total"]
    assert 45 < latency["stages"]["invoke"]["p50_ms"] < 50
    assert latency["drift"] == pytest.approx(1, abs=0.05)


def test_a_percentile_that_the_samples_cannot_carry_is_null_with_its_reason() -> None:
    invoke = Report((sample.run(runs=200),)).to_json()["runs"][0]["latency"]["stages"]["invoke"]
    assert invoke["p99_ms"] is None
    assert list(invoke["reasons"]) == ["p99_ms"]
    enough = Report((sample.run(runs=662),)).to_json()["runs"][0]["latency"]["stages"]["invoke"]
    assert enough["p99_ms"] > enough["p50_ms"]
    assert "reasons" not in enough


def test_what_was_not_done_is_absent() -> None:
    (run,) = Report((Run(sample.bundle(), sample.board(), sample.RUNTIMES[0]),)).to_json()["runs"]
    assert set(run) == {"board", "bundle"}
    assert run["board"]["state"] == {}
    full = Report((sample.run(),)).to_json()
    assert not {"verdict"} & set(full)
    assert not {"parity", "accuracy", "gates", "stream", "error"} & set(full["runs"][0])


def test_a_run_without_a_bench_still_says_what_loading_cost() -> None:
    (run,) = Report((replace(sample.run(), latency=None),)).to_json()["runs"]
    assert run["latency"] == {"threads": 2, "load_ms": 123.0, "first_ms": 61.0}


def test_drift_that_cannot_be_told_is_null_with_its_reason() -> None:
    latency = Report((sample.run(runs=20),)).to_json()["runs"][0]["latency"]
    assert latency["drift"] is None
    assert latency["drift_reason"] == "it needs at least 33 samples, there are 20"


def test_a_picture_lists_its_detections_in_pixels_or_its_error() -> None:
    astronaut, _, coffee, torn = Report((sample.run(),)).to_json()["runs"][0]["pictures"]
    assert astronaut == {
        "file_name": "astronaut.png",
        "width": 128,
        "height": 96,
        "detections": [
            {"label": "person", "class_index": 0, "score": 0.902, "bbox": [12.0, 8.5, 60.25, 80.0]},
            {"label": "person", "class_index": 0, "score": 0.71, "bbox": [12.0, 8.5, 60.25, 80.0]},
        ],
        "stages_ms": {"total": 52.0},
    }
    assert coffee["detections"] == []
    assert "detections" not in torn
    assert torn["error"].startswith("it is broken")


def test_a_video_says_how_many_frames_held_something_and_how_fast_they_went() -> None:
    stream = replace(sample.run(), stream=sample.stream()).to_json(Path())["stream"]
    assert (stream["source"], stream["frames"], stream["frames_with_detections"]) == ("bikes.mp4", 95, 61)
    assert stream["fps"] == 19.0
    assert stream["stages"]["total"]["runs"] == 95


def test_a_run_that_ended_early_keeps_what_had_arrived() -> None:
    data = replace(sample.run(), latency=None, load=None, error="the agent was killed by signal 9").to_json(Path())
    assert data["error"] == "the agent was killed by signal 9"
    assert len(data["pictures"]) == 4


def test_a_picture_keeps_the_detections_of_at_least_the_score_best_first() -> None:
    picture = Picture.of(result(0.4, 0.9, 0.5), ["person"], 0, min_score=0.5)
    assert [item.score for item in picture.detections] == [0.9, 0.5]
    assert picture.detections[0].box.to_list() == pytest.approx([40, 10, 100, 50], abs=0.001)


def test_labels_are_counted_from_the_label_offset_and_unknown_classes_are_numbered() -> None:
    picture = Picture.of(result(0.9, 0.8, classes=(0, 7)), ["background", "person"], 1, min_score=0.0)
    assert [item.label for item in picture.detections] == ["person", "class 7"]


def test_a_picture_without_detections_is_an_error_but_an_empty_one_is_not() -> None:
    assert Picture.of(PictureResult("a", error="it is empty"), [], 0, 0.5).error == "it is empty"
    assert Picture.of(result(), ["person"], 0, 0.5).error is None


def test_scores_that_are_not_numbers_are_an_error_of_the_picture() -> None:
    picture = Picture.of(result(0.9, float("nan")), ["person"], 0, 0.5)
    assert picture.error == "the model gave boxes or scores that are not numbers"
    assert picture.detections == ()


def test_bundle_facts_come_from_the_manifest() -> None:
    manifest = parse_manifest(MANIFEST)
    facts = BundleFacts.of("d" * 64, manifest)
    assert (facts.size_bytes, facts.input, facts.variant) == (3_800_007, "300 x 320 uint8", "int8")
    assert manifest.files["labels.txt"] == FileEntry("1" * 64, 7)


def test_a_bench_without_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="no samples"):
        latency_of(replace(sample.bench(), samples_ns={}))


@pytest.mark.parametrize(
    ("class_index", "label"), [(-1, "class -1"), (0, "a"), (1, "b"), (2, "class 2"), (99, "class 99")]
)
def test_a_class_without_a_label_is_called_by_its_index(class_index: int, label: str) -> None:
    found = Detections(np.zeros((1, 4), np.float32), np.array([class_index], np.int32), np.ones(1, np.float32))
    (detection,) = Picture.of(PictureResult("p", 8, 9, found), ("a", "b"), 0, 0.5).detections
    assert (detection.label, detection.class_index) == (label, class_index)


def test_a_picture_has_its_width_and_height() -> None:
    data = Picture.of(PictureResult("p", 8, 9, error="broken"), (), 0, 0.5).to_json(Path())
    assert (data["width"], data["height"]) == (8, 9)


@pytest.mark.parametrize(
    ("answers", "error", "not_measured", "verdict"),
    [
        ([Answer.PASS], None, (), Answer.PASS),
        ([Answer.PASS], None, ("int8 on shed: it is off",), Answer.INCONCLUSIVE),
        ([Answer.PASS], "it died", (), Answer.INCONCLUSIVE),
        ([Answer.PASS, Answer.FAIL], None, ("int8 on shed: it is off",), Answer.FAIL),
        ([], None, ("int8 on shed: it is off",), Answer.INCONCLUSIVE),
        ([], None, (), None),
    ],
)
def test_nothing_passes_where_something_was_not_measured(
    answers: list[Answer], error: str | None, not_measured: tuple[str, ...], verdict: Answer | None
) -> None:
    claims = tuple(replace(sample.claims()[0], answer=answer) for answer in answers)
    report = Report((replace(sample.run(), claims=claims, error=error),), not_measured=not_measured)
    assert report.verdict is verdict
