"""`edgeproof inspect`: sound files end with 0, every known way of being dead is named and ends with 2."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edgeproof.bundle import open_bundle, write_bundle
from edgeproof.cli.inspect import command
from edgeproof.convert.variants import Variant
from edgeproof.errors import BundleError, ModelError, PictureFolderError
from edgeproof.inspection.inspection import Inspection, inspect, looks_like
from edgeproof.tflite.file import TensorInfo, TfliteFile, read_tflite
from edgeproof.tflite.output_map import map_outputs
from edgeproof.tflite.problems import file_problems, file_warnings
from edgeproof_agent.bundle.manifest import BoxScales, Coordinates, Quantization
from tests.support.contracts import detections_of
from tests.support.networks import tiny_ssd
from tests.support.networks.detection_operator import attributes_of, write_operator_model
from tests.support.networks.plain_tflite import without_metadata
from tests.unit.agent.detection.test_box_decoding import REGULAR, USUAL

litert = pytest.importorskip("ai_edge_litert.interpreter")


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture
def file(tiny_bundles: dict[str, Path]) -> TfliteFile:
    return read_tflite((tiny_bundles["int8"] / "model.tflite").read_bytes())


def problems(file: TfliteFile) -> list[str]:
    return list(file_problems(file, map_outputs(file)))


@pytest.mark.parametrize("variant", Variant)
def test_what_export_writes_is_sound(tiny_bundles: dict[str, Path], variant: Variant) -> None:
    for path in (tiny_bundles[variant.value], tiny_bundles[variant.value] / "model.tflite"):
        inspection = inspect(path)
        assert inspection.sound, inspection.problems
        assert inspection.variant is variant
        assert not inspection.warnings


def test_raw_heads_are_sound_and_their_anchors_are_counted(tiny_raw_bundles: dict[str, Path], tmp_path: Path) -> None:
    assert inspect(tiny_raw_bundles["int8"]).sound
    good = open_bundle(tiny_raw_bundles["int8"])
    anchors = tmp_path / "anchors.npy"
    np.save(anchors, np.load(good.path / "anchors.npy")[1:])
    bad = write_bundle(
        tmp_path / "bad",
        good.manifest,
        good.model_path.read_bytes(),
        good.labels(),
        {"anchors.npy": anchors.read_bytes()},
    )
    assert inspect(bad.path).problems == ("anchors.npy holds 63 anchors, and the heads have 64",)
    assert run(bad.path).exit_code == 2


def test_a_quantized_bundle_that_is_float_is_not_sound(tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    promised, held = open_bundle(tiny_bundles["int8"]), open_bundle(tiny_bundles["float32"])
    bundle = write_bundle(tmp_path / "b", promised.manifest, held.model_path.read_bytes(), promised.labels())
    result = run(bundle.path)
    assert result.exit_code == 2
    assert "problem: its weights are float32, expected int8" in result.output
    assert "problem: its input is float32 [1, 64, 64, 3]; bundle.json says uint8 [1, 64, 64, 3]" in result.output
    assert result.output.endswith("not sound\n")


def test_a_bundle_that_takes_the_outputs_wrongly_is_not_sound(tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    good = open_bundle(tiny_bundles["float32"])
    output = detections_of(good.manifest)
    swapped = replace(good.manifest, output=replace(output, classes=output.scores, scores=output.classes))
    bundle = write_bundle(tmp_path / "b", swapped, good.model_path.read_bytes(), good.labels())
    (problem,) = inspect(bundle.path).problems
    assert problem.startswith("bundle.json takes the outputs as ")


def test_a_file_is_held_to_the_variant_that_is_asked_for(tiny_bundles: dict[str, Path]) -> None:
    model = tiny_bundles["dynamic"] / "model.tflite"
    assert run(model, "--variant", "dynamic").exit_code == 0
    result = run(model, "--variant", "int8")
    assert result.exit_code == 2
    assert "its input is float32, expected uint8" in result.output


def test_the_map_is_printed_with_what_it_was_read_from(tiny_bundles: dict[str, Path]) -> None:
    result = run(tiny_bundles["int8"])
    assert "detection_scores" in result.output
    assert "outputs known by the post-processing operator's outputs" in result.output
    assert "max_detections 10" in result.output
    assert "zero 127" in result.output or "zero 128" in result.output


def test_json_is_for_machines(tiny_bundles: dict[str, Path]) -> None:
    data = json.loads(run(tiny_bundles["int8"], "--json").output)
    assert data["schema"] == "edgeproof.inspection/1"
    assert data["sound"] is True
    assert data["variant"] == "int8"
    assert data["operators"]["TFLite_Detection_PostProcess"] == 1
    assert {item["meaning"] for item in data["outputs"]} >= {"detection_boxes", "num_detections"}
    assert data["postprocess"][0]["num_classes"] == 2
    assert data["run"] is None


@pytest.mark.parametrize("variant", ["float32", "int8"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_picture_is_run_by_the_interpreter_of_this_machine(
    tiny_bundles: dict[str, Path], tmp_path: Path, variant: str, whole: bool
) -> None:
    cv2.imwrite(str(tmp_path / "p.png"), tiny_ssd.draw_square("red", 6, 1))
    path = tiny_bundles[variant] if whole else tiny_bundles[variant] / "model.tflite"
    best = json.loads(run(path, "--json", "--picture", tmp_path / "p.png").output)["run"]["detections"][0]
    assert best["class"] == 1
    assert best["score"] > 0.9
    np.testing.assert_allclose(best["box"], tiny_ssd.square_box(6, 1), atol=0.01)
    assert "  red 0.9" in run(path, "--picture", tmp_path / "p.png").output


def test_a_file_is_run_as_its_bundle_is_and_alone_says_what_was_taken(
    tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    """The range is 0..255 here, which no default would be."""
    cv2.imwrite(str(tmp_path / "p.png"), cv2.resize(tiny_ssd.draw_square("red", 6, 1), (200, 150)))
    original = open_bundle(tiny_bundles["float32"])
    contract = replace(original.manifest.input, mean=(0.0,) * 3, std=(1.0,) * 3, coordinates=Coordinates.ASYMMETRIC)
    manifest = replace(original.manifest, input=contract)
    bundle = write_bundle(tmp_path / "b", manifest, original.model_path.read_bytes(), original.labels())
    options = ("--json", "--picture", tmp_path / "p.png")
    whole, file = (json.loads(run(path, *options).output)["run"] for path in (bundle.path, bundle.model_path))
    assert file["detections"] == whole["detections"]
    assert (whole["preparation"], file["preparation"]) == ([], ["pictures prepared as the bundle.json beside it says"])
    (tmp_path / "alone.tflite").write_bytes(without_metadata(bundle.model_path.read_bytes()))
    alone = json.loads(run(tmp_path / "alone.tflite", *options).output)["run"]
    assert alone["detections"] != whole["detections"]
    assert "half-pixel centres" in alone["preparation"][0]
    assert "-1..1 is taken" in alone["preparation"][1]


def test_mistakes_are_told(tmp_path: Path, tiny_bundles: dict[str, Path]) -> None:
    with pytest.raises(ModelError, match="it is not a TFLite file"):
        (tmp_path / "m.tflite").write_bytes(b"nothing of the kind, really")
        run(tmp_path / "m.tflite")
    with pytest.raises(BundleError, match=r"it holds bundles, but is none\. Name one of them: .*int8"):
        run(tiny_bundles["int8"].parent)
    with pytest.raises(ModelError, match=r"there is no such file\. Give a \.tflite file or a bundle"):
        run(tmp_path / "nowhere.tflite")
    with pytest.raises(BundleError, match="so it is no bundle"):
        run(tmp_path)
    with pytest.raises(PictureFolderError, match="there is no such file"):
        run(tiny_bundles["int8"], "--picture", tmp_path / "nowhere.jpg")
    changed = Path(shutil.copytree(tiny_bundles["int8"], tmp_path / "changed"))
    (changed / "labels.txt").write_text("other\nothers\n")
    with pytest.raises(BundleError, match="labels.txt"):
        run(changed)


def operator_file(attributes: dict[str, Any], shapes: list[tuple[int, ...]]) -> list[str]:
    """Problems of a model of the operator alone, without the two that such a model always has."""
    found = problems(read_tflite(write_operator_model(attributes, shapes)))
    return [item for item in found if "inputs, expected one" not in item and "no convolution" not in item]


SHAPES = [(1, 5, 4), (1, 5, 4), (5, 4)]


@pytest.mark.parametrize(
    ("changes", "shapes", "problem"),
    [
        ({}, [(8, 5, 4), (8, 5, 4), (5, 4)], "gets a batch of 8 pictures and takes one: export with batch 1"),
        ({}, [(1, 5, 4), (1, 5, 4), (6, 4)], "the number of anchors differs: box encodings [1, 5, 4]"),
        ({}, [(1, 5, 4), (1, 5, 91), (5, 4)], "is set to 3 classes and gets class scores [1, 5, 91]"),
        ({}, [(1, 5, 4), (1, 5), (5, 4)], "expected [1, A, 4], [1, A, 1 + C], [A, 4]"),
        ({"y_scale": 0.0}, SHAPES, "box scales of TFLite_Detection_PostProcess are [0.0, 10.0, 5.0, 5.0]"),
        ({"nms_iou_threshold": 0.0}, SHAPES, "the IoU threshold of TFLite_Detection_PostProcess is 0"),
    ],
)
def test_an_operator_that_cannot_run_is_named(changes: dict[str, Any], shapes: Any, problem: str) -> None:
    assert operator_file(attributes_of(USUAL, 3), SHAPES) == []
    (found,) = operator_file({**attributes_of(USUAL, 3), **changes}, shapes)
    assert problem in found


@pytest.mark.parametrize(
    ("quantization", "problem"),
    [
        (None, "its input has no quantization parameters"),
        (Quantization(0.0, 0), "its input has no quantization parameters"),
        (Quantization(0.0078, 300), "the zero point of its input is 300, outside of uint8"),
        (Quantization(0.0078, -1), "the zero point of its input is -1, outside of uint8"),
        (Quantization(1e-9, 0), "the quantization scale of its input is 1e-09, which no range of pixels has"),
        (Quantization(1000.0, 0), "the quantization scale of its input is 1e+03, which no range of pixels has"),
    ],
)
def test_quantization_parameters_without_sense_are_named(
    file: TfliteFile, quantization: Quantization | None, problem: str
) -> None:
    changed = replace(file, inputs=(replace(file.inputs[0], quantization=quantization),))
    assert problems(changed) == [problem]


def test_a_broken_scale_within_the_file_is_named(file: TfliteFile) -> None:
    assert problems(replace(file, broken_scales=("conv/weights", "relu"))) == [
        "the quantization scale of 'conv/weights' and 1 more is not a sane number"
    ]


def test_a_batch_is_refused_before_the_operator_refuses_it(file: TfliteFile) -> None:
    batch = replace(file, inputs=(replace(file.inputs[0], shape=(4, 64, 64, 3)),))
    assert problems(batch) == ["its input is a batch of 4 pictures ([4, 64, 64, 3]): export with batch 1"]


def test_a_classifier_is_no_detector(file: TfliteFile) -> None:
    output = TensorInfo("probabilities", (1, 1001), "float32", None, False)
    operators = {name: count for name, count in file.operators.items() if not name.startswith("TFLite")}
    classifier = replace(file, outputs=(output,), operators=operators, postprocess=(), signatures=())
    assert problems(classifier) == [
        "it has no TFLite_Detection_PostProcess, and its outputs are not raw heads either ([1, 1001])"
    ]


def test_uint8_throughout_is_full_integer_of_tensorflow_1(file: TfliteFile) -> None:
    layers = tuple(
        replace(layer, weights=replace(layer.weights, dtype="uint8"), activations="uint8") for layer in file.weighted
    )
    assert looks_like(replace(file, weighted=layers)) is Variant.INT8
    assert looks_like(replace(file, weighted=(*layers[1:], file.weighted[0]))) is None


@pytest.mark.parametrize(("kind", "sound"), [("tflite", True), ("tf1-frozen-graph", False)])
def test_a_foreign_file_may_keep_layers_in_float_and_ours_may_not(
    tiny_bundles: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, sound: bool
) -> None:
    good = open_bundle(tiny_bundles["int8"])
    manifest = replace(good.manifest, provenance={"source": {"kind": kind}})
    bundle = write_bundle(tmp_path / "b", manifest, good.model_path.read_bytes(), good.labels())
    whole = read_tflite(good.model_path.read_bytes())
    first = whole.weighted[0]
    kept = replace(first, weights=replace(first.weights, dtype="float32"), activations="float32")
    mixed = replace(whole, weighted=(kept, *whole.weighted[1:]))
    monkeypatch.setattr("edgeproof.inspection.inspection.read_tflite", lambda *_: mixed)
    assert inspect(bundle.path).sound == sound


def test_a_run_tells_what_nothing_else_tells(file: TfliteFile) -> None:
    """Four outputs of another non-maximum suppression, without names: unknown until values were seen."""
    outputs = tuple(TensorInfo("", shape, "float32", None, False) for shape in ((1,), (1, 2), (1, 2), (1, 2, 4)))
    operators = {name: count for name, count in file.operators.items() if not name.startswith("TFLite")}
    foreign = replace(file, outputs=outputs, operators=operators, postprocess=(), signatures=())
    unknown = Inspection(Path("foreign.tflite"), None, foreign, None, None, tuple(problems(foreign)), ())
    assert not unknown.sound
    assert unknown.only_outputs_are_unknown
    assert "give a picture on which it finds several objects with --picture" in unknown.problems[0]
    count, boxes = np.array([2], np.float32), np.zeros((1, 2, 4), np.float32)
    classes, scores = np.array([[1, 0]], np.float32), np.array([[0.9, 0.3]], np.float32)
    told = unknown.with_values([count, scores, classes, boxes])
    assert told.sound
    assert told.outputs is not None
    assert told.outputs.positions == {
        "num_detections": 0,
        "detection_scores": 1,
        "detection_classes": 2,
        "detection_boxes": 3,
    }
    assert not unknown.with_values([count, classes, classes, boxes]).sound


@pytest.mark.parametrize(("threshold", "warned"), [(1e-8, True), (0.3, False)])
def test_regular_suppression_with_a_tiny_threshold_is_warned_about(threshold: float, warned: bool) -> None:
    contract = replace(USUAL, nms=REGULAR, score_threshold=threshold, box_scales=BoxScales(10, 10, 5, 5))
    file = read_tflite(write_operator_model(attributes_of(contract, 3), SHAPES))
    found = [warning for warning in file_warnings(file) if "regular non-maximum suppression" in warning]
    assert bool(found) == warned
