"""`bundle.json` of a model with raw heads: all that the agent needs to make detections of them, and nothing broken."""

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from edgeproof_agent.bundle.manifest import Decoder, FileEntry, ManifestError
from edgeproof_agent.bundle.manifest_reader import parse_manifest
from tests.support.example_manifest import MANIFEST
from tests.unit.agent.detection.test_box_decoding import USUAL

RAW = replace(MANIFEST, files={**MANIFEST.files, "anchors.npy": FileEntry("c" * 64, 99)}, output=USUAL)


def test_it_survives_json() -> None:
    parsed = parse_manifest(json.loads(json.dumps(RAW.to_json())))
    assert parsed == RAW
    assert parsed.output.decoder is Decoder.AGENT


def test_the_json_names_heads_and_settings() -> None:
    assert RAW.to_json()["output"] == {
        "decoder": "agent",
        "box_encodings": 0,
        "class_scores": 1,
        "box_scales": {"y": 10.0, "x": 10.0, "height": 5.0, "width": 5.0},
        "nms": "fast",
        "max_detections": 10,
        "classes_per_detection": 1,
        "detections_per_class": 100,
        "score_threshold": 1e-8,
        "iou_threshold": 0.6,
    }


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("box_encodings", 2, "output.box_encodings must be between 0 and 1"),
        ("class_scores", 0, "output: box_encodings and class_scores must be two different outputs"),
        ("box_scales", {"y": 10, "x": 10, "height": 5}, "output.box_scales.width is missing"),
        ("box_scales", {"y": 0, "x": 1, "height": 1, "width": 1}, "output.box_scales.y must be a finite number"),
        ("nms", "soft", "output.nms must be one of fast, regular"),
        ("max_detections", 0, "output.max_detections must be between 1"),
        ("classes_per_detection", 0, "output.classes_per_detection must be between 1"),
        ("detections_per_class", 10**9, "output.detections_per_class must be between 1"),
        ("score_threshold", -1, "output.score_threshold must be a finite number between 0"),
        ("iou_threshold", 1.5, "output.iou_threshold must be a finite number between 0"),
        ("decoder", "in_graph", "output.boxes is missing"),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(name: str, value: Any, message: str) -> None:
    data = copy.deepcopy(RAW.to_json())
    data["output"][name] = value
    with pytest.raises(ManifestError) as caught:
        parse_manifest(data)
    assert str(caught.value).startswith(f"bundle.json: {message}")


def test_raw_heads_without_anchors_are_refused() -> None:
    with pytest.raises(ManifestError, match=r"files\.anchors\.npy is missing"):
        parse_manifest(replace(RAW, files=MANIFEST.files).to_json())


def test_a_manifest_without_classes_per_detection_has_one() -> None:
    data = MANIFEST.to_json()
    del data["output"]["classes_per_detection"]
    assert parse_manifest(data) == MANIFEST
