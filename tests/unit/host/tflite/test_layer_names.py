"""The names that --keep-float takes: in full, or of one of the nodes that a layer was fused from."""

from dataclasses import replace
from pathlib import Path

import pytest

from edgeproof.bundle import open_bundle
from edgeproof.convert.export import export
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.structural_check import variant_problems
from edgeproof.convert.variants import Variant, settings_of
from edgeproof.errors import UsageError
from edgeproof.inspection.inspection import inspect
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.tflite.file import Layer, TfliteFile, read_tflite
from edgeproof.tflite.layer_names import describe_float_layers, layers_named, resolve_float_layers, short_names
from edgeproof.wording.progress import Progress, ProgressKind
from edgeproof_agent.detection.detector import load_detector
from edgeproof_agent.detection.interpreters import import_runtime
from tests.support.networks import tiny_ssd

pytestmark = pytest.mark.slow

FIRST = "FeatureExtractor/Relu6"
CLASSES = "BoxPredictor_0/ClassPredictor"


@pytest.fixture
def file(tiny_bundles: dict[str, Path]) -> TfliteFile:
    return read_tflite((tiny_bundles["int8"] / "model.tflite").read_bytes())


def test_the_layers_of_a_file_are_its_operators_without_those_that_change_types(file: TfliteFile) -> None:
    assert list(short_names(file.layers).values()) == [
        "FeatureExtractor/Relu6",
        "BoxPredictor_0/BoxEncodings",
        "Squeeze1",
        "BoxPredictor_0/ClassPredictor",
        "Reshape_1",
        "Reshape_11",
    ]


def test_a_short_name_means_its_layer_alone(file: TfliteFile) -> None:
    for full, short in short_names(file.layers).items():
        assert [layer.name for layer in layers_named(short, file.layers)] == [full]
        assert [layer.name for layer in layers_named(full, file.layers)] == [full]


def test_a_node_in_several_layers_means_all_of_them() -> None:
    layers = [Layer("LOGISTIC", "scores;a", "int8"), Layer("RESHAPE", "scores;b", "int8"), Layer("ADD", "sum", "int8")]
    assert layers_named("scores", layers) == layers[:2]
    assert short_names(layers) == {"scores;a": "a", "scores;b": "b", "sum": "sum"}


def test_an_unknown_name_is_told_with_near_ones(file: TfliteFile) -> None:
    with pytest.raises(UsageError, match="--keep-float classpredictor: the model has no such layer") as told:
        resolve_float_layers(["classpredictor"], file)
    assert str(told.value).endswith("Near: BoxPredictor_0/ClassPredictor.")
    with pytest.raises(UsageError, match="Near: FeatureExtractor/Relu6"):
        resolve_float_layers([FIRST, "FeatureExtractor/Relu"], file)
    with pytest.raises(UsageError, match=r"It has FeatureExtractor/Relu6, .* --debug-quantization lists them all"):
        resolve_float_layers(["zzz"], file)


def test_all_layers_cannot_stay_float(file: TfliteFile) -> None:
    with pytest.raises(UsageError, match="names all 3 layers with weights, so nothing would be int8"):
        resolve_float_layers([FIRST, "BoxPredictor_0/BoxEncodings", CLASSES], file)


def test_a_layer_that_was_to_stay_float_and_did_not_is_a_problem(file: TfliteFile) -> None:
    settings = replace(settings_of(Variant.INT8), keep_float=(FIRST,))
    assert list(variant_problems(file, settings)) == [f"its layer {FIRST} is int8, and was to stay float32"]
    settings = replace(settings, keep_float=("gone",))
    assert list(variant_problems(file, settings)) == ["its layer gone, which was to stay float32, is missing"]


@pytest.mark.tensorflow
@pytest.mark.parametrize("names", [(FIRST,), (CLASSES, "Reshape_1"), ("BiasAdd_1", "Squeeze1")])
def test_named_layers_stay_float_and_the_others_are_int8(
    tiny_frozen_graph: Path, tiny_pictures: Path, tmp_path: Path, names: tuple[str, ...]
) -> None:
    events: list[Progress] = []
    options = ExportOptions(keep_float=names)
    (bundle,) = export(tiny_frozen_graph, tmp_path, [Variant.INT8], tiny_pictures, options, events.append)
    file = read_tflite(bundle.model_path.read_bytes())
    kept = {layer.name for name in names for layer in layers_named(name, file.layers)}
    assert {layer.name for layer in file.layers if layer.name in kept and layer.dtype == "float32"} == kept
    for layer in file.weighted:
        expected = "float32" if layer.name in kept else "int8"
        assert (layer.weights.dtype, layer.activations) == (expected, expected)
    assert bundle.manifest.input.dtype.value == "uint8"
    assert inspect(bundle.path).sound
    notes = [event.text for event in events if event.kind is ProgressKind.NOTE]
    assert f"int8: {describe_float_layers(names, file)}" in notes
    assert any(note.startswith("int8: 6 of 6 detections of the source") for note in notes)


@pytest.mark.tensorflow
def test_float_layers_are_in_the_digest_and_give_the_same_bytes_twice(
    tiny_frozen_graph: Path, tiny_pictures: Path, tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    def exported(folder: str, *names: str) -> Path:
        options = ExportOptions(keep_float=names)
        (bundle,) = export(tiny_frozen_graph, tmp_path / folder, [Variant.INT8], tiny_pictures, options)
        return bundle.path

    once, again = exported("once", FIRST, CLASSES), exported("again", CLASSES, FIRST, FIRST)
    assert open_bundle(once).digest == open_bundle(again).digest
    assert open_bundle(once).manifest.provenance["settings"]["keep_float"] == [CLASSES, FIRST]
    assert "keep_float" not in open_bundle(tiny_bundles["int8"]).manifest.provenance["settings"]
    # Other layers, at the same place: it is not taken for up to date.
    assert open_bundle(exported("once", CLASSES)).digest != open_bundle(again).digest


@pytest.mark.tensorflow
def test_a_mixed_model_with_raw_heads_detects_what_is_there(
    tiny_frozen_graph: Path, tiny_pictures: Path, tmp_path: Path
) -> None:

    options = ExportOptions(keep_float=(CLASSES,), postprocess=PostprocessOptions(in_graph=False))
    (bundle,) = export(tiny_frozen_graph, tmp_path, [Variant.INT8], tiny_pictures, options)
    detector = load_detector(bundle.path, import_runtime("ai-edge-litert"), 1)
    assert detector.detect(tiny_ssd.draw_square("red", 6, 1)).scores[0] > 0.9


@pytest.mark.tensorflow
def test_an_unknown_layer_is_told_before_calibration_begins(
    tiny_frozen_graph: Path, tiny_pictures: Path, tmp_path: Path
) -> None:
    events: list[Progress] = []
    options = ExportOptions(keep_float=("Relu6",))
    both = [Variant.FLOAT32, Variant.INT8]
    with pytest.raises(UsageError, match=r"--keep-float Relu6: .* Near: FeatureExtractor/Relu6"):
        export(tiny_frozen_graph, tmp_path / "out", both, tiny_pictures, options, events.append)
    assert not [event.text for event in events if event.text.startswith(("calibrating", "converting"))]
    assert not (tmp_path / "out").exists()
