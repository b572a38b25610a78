"""A finished file that suppresses by itself, or decodes its boxes, becomes a bundle like the file without that."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert.interpreter")

from edgeproof.bundle import Bundle
from edgeproof.convert.export import export
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.variants import Variant
from edgeproof.ssd.conventions import BoxCoder
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.source_options import InputRange, SourceOptions
from edgeproof.wording.progress import Progress
from edgeproof_agent.detection.detector import Detection, load_detector
from edgeproof_agent.detection.interpreters import import_runtime

pytestmark = pytest.mark.tensorflow

SIDE, CLASSES = 16, 3
PICTURE = np.random.default_rng(8).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)


def convert(outputs: Callable[[Any, Any], Any]) -> bytes:
    """A .tflite whose outputs `outputs` makes of 48 boxes, [48, 4] as corners in 0..1, and their scores [48, 3]."""
    import tensorflow as tf

    random = np.random.default_rng(3)
    boxes = tf.constant(random.normal(0, 0.2, (4, 4, 3, 12)).astype(np.float32))
    scores = tf.constant(random.normal(0, 1, (4, 4, 3, 9)).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([1, SIDE, SIDE, 3], tf.float32, "image")])
    def serve(image: Any) -> Any:
        low_and_size = tf.sigmoid(tf.reshape(tf.nn.conv2d(image, boxes, 4, "SAME"), [48, 4]))
        low, size = low_and_size[:, :2], low_and_size[:, 2:]
        corners = tf.concat([low, low + size], axis=1)
        return outputs(corners, tf.sigmoid(tf.reshape(tf.nn.conv2d(image, scores, 4, "SAME"), [48, CLASSES])))

    module = tf.Module()
    module.serve = serve
    converter = tf.lite.TFLiteConverter.from_concrete_functions([serve.get_concrete_function()], module)
    return bytes(converter.convert())


def decoded(boxes: Any, scores: Any) -> Any:
    return {"boxes": boxes[None], "scores": scores[None]}


def suppressed(boxes: Any, scores: Any) -> Any:
    import tensorflow as tf

    kept, values = tf.image.non_max_suppression_with_scores(boxes, tf.reduce_max(scores, axis=1), 5, 0.4, 0.3, 0.0)
    return {"boxes": tf.gather(boxes, kept), "scores": values, "classes": tf.argmax(tf.gather(scores, kept), axis=1)}


def padded(boxes: Any, scores: Any) -> Any:
    import tensorflow as tf

    kept, count = tf.raw_ops.NonMaxSuppressionV4(
        boxes=boxes * SIDE,
        scores=tf.reduce_max(scores, axis=1),
        max_output_size=5,
        iou_threshold=0.4,
        score_threshold=0.3,
        pad_to_max_output_size=True,
    )
    return {"boxes": tf.gather(boxes * SIDE, kept), "count": count, "scores": tf.gather(scores, kept)}


def pack(data: bytes, folder: Path, coder: BoxCoder | None) -> tuple[Bundle, str]:
    folder.mkdir()
    (folder / "network.tflite").write_bytes(data)
    said = SourceOptions(input_range=InputRange.ZERO_TO_ONE, background=False, box_coder=coder)
    options = ExportOptions(source=said, postprocess=PostprocessOptions(iou_threshold=0.5, score_threshold=0.1))
    events: list[Progress] = []
    (bundle,) = export(folder / "network.tflite", folder / "out", [Variant.FLOAT32], None, options, events.append)
    return bundle, "\n".join(event.text for event in events)


def detect(bundle: Bundle) -> Detection:
    return load_detector(bundle.path, import_runtime("ai-edge-litert"), 1).detect(PICTURE)


@pytest.mark.parametrize(
    ("outputs", "words"),
    [(suppressed, "its own NON_MAX_SUPPRESSION_V5 left out"), (padded, "its own NON_MAX_SUPPRESSION_V4 left out")],
)
def test_a_suppression_in_the_file_is_left_out(tmp_path: Path, outputs: Callable[[Any, Any], Any], words: str) -> None:
    plain, _ = pack(convert(decoded), tmp_path / "plain", BoxCoder.BOXES)
    cut, told = pack(convert(outputs), tmp_path / "cut", None)
    assert words in told
    found, wanted = detect(cut), detect(plain)
    assert len(wanted.scores) > 3
    np.testing.assert_array_equal(found.classes, wanted.classes)
    np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-6)
    np.testing.assert_allclose(found.boxes, wanted.boxes, atol=1e-5)


def test_boxes_that_are_decoded_stay_what_they_are(tmp_path: Path) -> None:
    data = convert(decoded)
    interpreter = import_runtime("ai-edge-litert").module.Interpreter(model_content=data)
    interpreter.allocate_tensors()
    interpreter.set_tensor(
        interpreter.get_input_details()[0]["index"], (PICTURE[None, :, :, ::-1] / 255).astype(np.float32)
    )
    interpreter.invoke()
    boxes = next(
        interpreter.get_tensor(item["index"])[0] for item in interpreter.get_output_details() if item["shape"][2] == 4
    )
    bundle, _ = pack(data, tmp_path / "it", BoxCoder.BOXES)
    found = detect(bundle)
    assert len(found.boxes) > 3
    for box in found.boxes:
        assert np.abs(boxes - box).max(axis=1).min() < 1e-5
