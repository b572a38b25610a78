"""The tiny SSD through the real converter: detections as built, and errors in our words."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.bundle import Bundle, open_bundle
from edgeproof.convert.export import export
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.from_tensorflow.converter import convert
from edgeproof.convert.structural_check import resolve_outputs
from edgeproof.convert.variants import Variant
from edgeproof.errors import ConversionError, PictureFolderError
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.readers.frozen_graph import read_frozen_graph
from edgeproof.tflite.file import read_tflite
from edgeproof_agent.detection.detector import BundleLoadError, load_detector
from edgeproof_agent.detection.interpreters import import_runtime
from edgeproof_agent.detection.preprocess import prepare
from tests.support.contracts import detections_of
from tests.support.networks import tiny_ssd

litert = pytest.importorskip("ai_edge_litert.interpreter")


def detect(bundle: Bundle, picture: np.ndarray) -> list[tuple[str, float, list[float]]]:
    """Label, score and box of each detection."""
    interpreter = litert.Interpreter(str(bundle.model_path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], prepare(picture, bundle.manifest.input))
    interpreter.invoke()
    outputs, contract = interpreter.get_output_details(), detections_of(bundle.manifest)
    boxes, classes, scores, count = (
        interpreter.get_tensor(outputs[position]["index"])[0]
        for position in (contract.boxes, contract.classes, contract.scores, contract.count)
    )
    labels = bundle.labels()
    return [
        (labels[int(classes[row]) + bundle.manifest.label_offset], float(scores[row]), boxes[row].tolist())
        for row in range(int(count))
    ]


@pytest.mark.parametrize("variant", [variant.value for variant in Variant])
@pytest.mark.parametrize(("label", "row", "column"), [("bright", 2, 5), ("red", 6, 1)])
def test_a_square_is_detected_where_it_is(
    tiny_bundles: dict[str, Path], variant: str, label: str, row: int, column: int
) -> None:
    bundle = open_bundle(tiny_bundles[variant])
    best, *others = detect(bundle, tiny_ssd.draw_square(label, row, column))
    assert best[0] == label
    assert best[1] > 0.9
    np.testing.assert_allclose(best[2], tiny_ssd.square_box(row, column), atol=0.005)
    assert all(score < 0.1 for _, score, _ in others)


@pytest.mark.parametrize("variant", ["float32", "int8"])
@pytest.mark.parametrize(("label", "row", "column"), [("bright", 2, 5), ("red", 6, 1)])
def test_raw_heads_are_decoded_by_the_agent_to_the_same_detections(
    tiny_bundles: dict[str, Path], tiny_raw_bundles: dict[str, Path], variant: str, label: str, row: int, column: int
) -> None:
    runtime = import_runtime("ai-edge-litert")
    picture = tiny_ssd.draw_square(label, row, column)
    in_graph, by_agent = (
        load_detector(bundles[variant], runtime, 1).detect(picture) for bundles in (tiny_bundles, tiny_raw_bundles)
    )
    assert len(by_agent.scores) == 10
    np.testing.assert_array_equal(by_agent.classes, in_graph.classes)
    np.testing.assert_allclose(by_agent.scores, in_graph.scores, atol=1e-6)
    np.testing.assert_allclose(by_agent.boxes, in_graph.boxes, atol=1e-5)
    np.testing.assert_allclose(by_agent.boxes[0], tiny_ssd.square_box(row, column), atol=0.005)
    assert by_agent.stages_ns["postprocess"] > in_graph.stages_ns["postprocess"] // 1000


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY broken", "float64", "fewer"])
def test_anchors_that_do_not_fit_are_refused_when_loaded(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path, damage: bytes | str
) -> None:
    bundle = Path(shutil.copytree(tiny_raw_bundles["float32"], tmp_path / "bundle"))
    anchors = np.load(bundle / "anchors.npy")
    if isinstance(damage, bytes):
        (bundle / "anchors.npy").write_bytes(damage)
    else:
        np.save(bundle / "anchors.npy", anchors.astype(np.float64) if damage == "float64" else anchors[1:])
    with pytest.raises(BundleLoadError, match="anchors"):
        load_detector(bundle, import_runtime("ai-edge-litert"), 1)


@pytest.mark.parametrize("variant", ["float32", "int8"])
def test_nothing_is_detected_in_the_dark(tiny_bundles: dict[str, Path], variant: str) -> None:
    assert all(score < 0.1 for _, score, _ in detect(open_bundle(tiny_bundles[variant]), tiny_ssd.draw_dark()))


def test_the_bundle_s_input_is_what_the_file_says(tiny_bundles: dict[str, Path]) -> None:
    bundle = open_bundle(tiny_bundles["int8"])
    file = read_tflite(bundle.model_path.read_bytes())
    assert bundle.manifest.input.quantization == file.inputs[0].quantization
    interpreter = litert.Interpreter(str(bundle.model_path))
    scale, zero_point = interpreter.get_input_details()[0]["quantization"]
    assert bundle.manifest.input.quantization is not None
    assert np.float32(bundle.manifest.input.quantization.scale) == np.float32(scale)
    assert bundle.manifest.input.quantization.zero_point == zero_point


@pytest.mark.tensorflow
def test_max_detections_reaches_the_operator(tiny_frozen_graph: Path) -> None:
    options = PostprocessOptions(max_detections=3)
    data = convert(read_frozen_graph(tiny_frozen_graph), Variant.FLOAT32, options)
    assert resolve_outputs(read_tflite(data)).max_detections == 3


@pytest.mark.tensorflow
def test_samples_of_another_size_are_an_error_in_our_words(tiny_frozen_graph: Path) -> None:
    wrong = np.zeros((1, 9, 9, 3), np.float32)
    with pytest.raises(ConversionError, match=r"has shape \[1, 9, 9, 3\]; the network reads \[1, 64, 64, 3\]"):
        convert(read_frozen_graph(tiny_frozen_graph), Variant.INT8, samples=lambda: iter([wrong]))


@pytest.mark.tensorflow
def test_calibration_without_a_readable_picture_says_so(tiny_frozen_graph: Path) -> None:
    def nothing() -> Any:
        raise PictureFolderError("pictures: none of its 3 pictures can be read.")
        yield

    with pytest.raises(PictureFolderError, match="none of its 3 pictures"):
        convert(read_frozen_graph(tiny_frozen_graph), Variant.INT8, samples=nothing)


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([], "The representative data set is empty"),
        ([np.zeros((1, 64, 64, 3), np.float64)], "is float64; the network reads float32"),
        ([np.zeros((1, 64, 64, 3), np.uint8)], "is uint8; the network reads float32"),
        ([np.zeros((2, 64, 64, 3), np.float32)], r"\[2, 64, 64, 3\]; the network reads .* one picture at a time"),
        ([[[0.0]]], "is list; the network reads float32 arrays"),
    ],
)
def test_samples_that_tensorflow_stumbles_over_are_told_in_our_words(
    tiny_frozen_graph: Path, samples: list[Any], message: str
) -> None:
    with pytest.raises(ConversionError, match=message):
        convert(read_frozen_graph(tiny_frozen_graph), Variant.INT8, samples=lambda: iter(samples))


@pytest.mark.tensorflow
def test_classes_per_detection_tells_a_box_with_each_of_its_classes(tiny_frozen_graph: Path, tmp_path: Path) -> None:
    postprocess = PostprocessOptions(max_detections=3, max_classes_per_detection=2)
    options = ExportOptions(postprocess=postprocess)
    (bundle,) = export(tiny_frozen_graph, tmp_path, [Variant.FLOAT32], None, options)
    detection = load_detector(bundle.path, import_runtime("ai-edge-litert"), 1).detect(
        tiny_ssd.draw_square("red", 6, 1)
    )
    assert len(detection.scores) == 6
    assert detection.classes[:2].tolist() == [1, 0]
    np.testing.assert_array_equal(detection.boxes[0], detection.boxes[1])


@pytest.mark.tensorflow
def test_int8_without_samples_is_refused(tiny_frozen_graph: Path) -> None:
    with pytest.raises(ConversionError, match="needs a representative data set"):
        convert(read_frozen_graph(tiny_frozen_graph), Variant.INT8)
