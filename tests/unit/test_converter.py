"""The tiny SSD through the real converter: detections as built, and errors in our words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_ssd

from edgeproof.bundle import Bundle, open_bundle
from edgeproof.convert.converter import convert
from edgeproof.convert.structural_check import resolve_outputs
from edgeproof.convert.tflite_file import read_tflite
from edgeproof.convert.variants import Variant
from edgeproof.errors import ConversionError, PictureFolderError
from edgeproof.ssd.frozen_graph import read_frozen_graph
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof_agent.preprocess import prepare

litert = pytest.importorskip("ai_edge_litert.interpreter")


def detect(bundle: Bundle, picture: np.ndarray) -> list[tuple[str, float, list[float]]]:
    """Label, score and box of each detection."""
    interpreter = litert.Interpreter(str(bundle.model_path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], prepare(picture, bundle.manifest.input))
    interpreter.invoke()
    outputs, contract = interpreter.get_output_details(), bundle.manifest.output
    boxes, classes, scores, count = (
        interpreter.get_tensor(outputs[position]["index"])[0]
        for position in (contract.boxes, contract.classes, contract.scores, contract.count)
    )
    labels = bundle.labels()
    return [
        (labels[int(classes[row]) + bundle.manifest.label_offset], float(scores[row]), boxes[row].tolist())
        for row in range(int(count))
    ]


@pytest.mark.parametrize("variant", ["float32", "int8"])
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
    wrong = np.zeros((1, 9, 9, 3), np.float32)
    with pytest.raises(ConversionError, match="TensorFlow could not convert the model to int8: "):
        convert(read_frozen_graph(tiny_frozen_graph), Variant.INT8, samples=lambda: iter([wrong]))


@pytest.mark.tensorflow
def test_calibration_without_a_readable_picture_says_so(tiny_frozen_graph: Path) -> None:
    def nothing() -> Any:
        raise PictureFolderError("pictures: none of its 3 pictures can be read.")
        yield

    with pytest.raises(PictureFolderError, match="none of its 3 pictures"):
        convert(read_frozen_graph(tiny_frozen_graph), Variant.INT8, samples=nothing)


@pytest.mark.tensorflow
def test_int8_without_samples_is_refused(tiny_frozen_graph: Path) -> None:
    with pytest.raises(ConversionError, match="needs a representative data set"):
        convert(read_frozen_graph(tiny_frozen_graph), Variant.INT8)
