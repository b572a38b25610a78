"""However a network's outputs hold its heads, the same boxes and scores are read."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.conventions import BoxCoder
from edgeproof.ssd.source_options import InputRange, SourceOptions
from tests.support.library_records import decode
from tests.support.reading import read_source

pytestmark = pytest.mark.tensorflow

CLASSES = 3
GRIDS = ((4, 3), (2, 2))
"""Side and boxes at a place."""
ROWS = sum(side * side * boxes for side, boxes in GRIDS)

Output = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def save(folder: Path, outputs: Output) -> Path:
    """A network of two levels; `outputs` makes its outputs of box grids `b0`, `b1` and score grids `s0`, `s1`."""
    import tensorflow as tf

    random = np.random.default_rng(3)

    class Network(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.kernels = {
                f"{name}{level}": tf.Variable(random.normal(0, 0.3, (3, 3, 3, boxes * columns)).astype(np.float32))
                for level, (_, boxes) in enumerate(GRIDS)
                for name, columns in (("b", 4), ("s", CLASSES))
            }

        @tf.function(input_signature=[tf.TensorSpec([1, 8, 8, 3], tf.float32, "image")])
        def serve(self, image: Any) -> Any:
            grids = {
                name: tf.nn.conv2d(image, kernel, 8 // GRIDS[int(name[1])][0], "SAME")
                for name, kernel in self.kernels.items()
            }
            return outputs({name: tf.sigmoid(grid) if name[0] == "s" else grid for name, grid in grids.items()})

    network = Network()
    tf.saved_model.save(network, str(folder), signatures={"serving_default": network.serve})
    return folder


def _lists(grids: Mapping[str, Any]) -> tuple[Any, Any]:
    import tensorflow as tf

    boxes = tf.concat([tf.reshape(grids[name], [1, -1, 4]) for name in ("b0", "b1")], axis=1)
    return boxes, tf.concat([tf.reshape(grids[name], [1, -1, CLASSES]) for name in ("s0", "s1")], axis=1)


def plain(grids: Mapping[str, Any]) -> Mapping[str, Any]:
    boxes, scores = _lists(grids)
    return {"boxes": boxes, "scores": scores}


def with_a_side_of_one(grids: Mapping[str, Any]) -> Mapping[str, Any]:
    boxes, scores = _lists(grids)
    return {"p": boxes[:, :, None], "q": scores}


def levels(grids: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"p": grids["b1"], "q": grids["s1"], "r": grids["b0"], "s": grids["s0"]}


def combined(grids: Mapping[str, Any]) -> Mapping[str, Any]:
    import tensorflow as tf

    boxes, scores = _lists(grids)
    found = tf.image.combined_non_max_suppression(boxes[:, :, None], scores, 5, 5, 0.4, 0.3, clip_boxes=False)
    names = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")
    return dict(zip(names, found, strict=True))


def one_by_one(grids: Mapping[str, Any]) -> Mapping[str, Any]:
    """Over all classes at once, by each box's best."""
    import tensorflow as tf

    boxes, scores = _lists(grids)
    best = tf.reduce_max(scores[0], axis=1)
    kept, values = tf.image.non_max_suppression_with_scores(boxes[0], best, 5, 0.4, 0.3, 0.0)
    return {"boxes": tf.gather(boxes[0], kept), "scores": values, "classes": tf.argmax(tf.gather(scores[0], kept), 1)}


def class_by_class(grids: Mapping[str, Any]) -> Mapping[str, Any]:
    import tensorflow as tf

    boxes, scores = _lists(grids)
    return {
        f"kept{column}": tf.gather(boxes[0], tf.image.non_max_suppression(boxes[0], scores[0, :, column], 5, 0.4))
        for column in range(CLASSES)
    }


def options(tmp_path: Path, coder: BoxCoder | None) -> SourceOptions:
    np.save(tmp_path / "anchors.npy", np.tile(np.array([0.5, 0.5, 1, 1], np.float32), (ROWS, 1)))
    said = SourceOptions(input_range=InputRange.ZERO_TO_ONE, background=False, box_coder=coder)
    return said if coder is not None else SourceOptions(**{**vars(said), "anchors": str(tmp_path / "anchors.npy")})


def heads(path: Path, said: SourceOptions) -> tuple[np.ndarray, np.ndarray, str]:
    """Boxes [A, 4] and scores [A, 1 + C] for one picture, and what was found in words."""
    import tensorflow as tf

    model = read_source(path, options=said)
    picture = np.random.default_rng(9).random((1, 8, 8, 3)).astype(np.float32)
    encodings, scores = (item.numpy()[0] for item in model.heads.module.heads(tf.constant(picture)))
    return decode(encodings, model), scores, model.source.description


@pytest.mark.parametrize(("outputs", "words"), [(with_a_side_of_one, "'p'"), (levels, "in the order r, p")])
def test_joined_heads_are_those_of_the_network_that_joins_them_itself(
    tmp_path: Path, outputs: Output, words: str
) -> None:
    said = options(tmp_path, None)
    boxes, scores, _ = heads(save(tmp_path / "plain", plain), said)
    other_boxes, other_scores, found = heads(save(tmp_path / "other", outputs), said)
    np.testing.assert_allclose(other_boxes, boxes, atol=1e-6)
    np.testing.assert_allclose(other_scores, scores, atol=1e-6)
    assert words in found


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        (combined, "CombinedNonMaxSuppression left out (it has --iou-threshold 0.4 --score-threshold 0.3)"),
        (one_by_one, "NonMaxSuppressionV5 left out (it has --iou-threshold 0.4 --score-threshold 0.3)"),
        (class_by_class, "NonMaxSuppressionV3 left out (it has --iou-threshold 0.4"),
    ],
)
def test_what_goes_into_a_suppression_are_all_boxes_and_all_scores(tmp_path: Path, outputs: Output, words: str) -> None:
    boxes, scores, _ = heads(save(tmp_path / "plain", plain), options(tmp_path, BoxCoder.BOXES))
    said = SourceOptions(input_range=InputRange.ZERO_TO_ONE, background=False)
    other_boxes, other_scores, found = heads(save(tmp_path / "other", outputs), said)
    np.testing.assert_allclose(other_boxes, boxes, atol=1e-5)
    np.testing.assert_allclose(other_scores, scores, atol=1e-6)
    assert words in found


def test_a_class_a_column_needs_no_word_of_the_background(tmp_path: Path) -> None:
    path = save(tmp_path / "network", combined)
    model = read_source(path, options=SourceOptions(input_range=InputRange.ZERO_TO_ONE))
    assert model.num_classes == CLASSES


def test_boxes_in_pixels_are_told_by_their_values(tmp_path: Path) -> None:
    def in_pixels(grids: Mapping[str, Any]) -> Mapping[str, Any]:
        return combined({name: grid * 8 if name[0] == "b" else grid for name, grid in grids.items()})

    boxes, _, _ = heads(save(tmp_path / "plain", plain), options(tmp_path, BoxCoder.BOXES))
    said = SourceOptions(input_range=InputRange.ZERO_TO_ONE)
    other, _, found = heads(save(tmp_path / "pixels", in_pixels), said)
    assert "pixel-boxes" in found
    np.testing.assert_allclose(other, boxes, atol=1e-5)


def test_boxes_of_their_own_for_each_class_are_refused(tmp_path: Path) -> None:
    import tensorflow as tf

    def of_each_class(grids: Mapping[str, Any]) -> Mapping[str, Any]:
        boxes, scores = _lists(grids)
        found = tf.image.combined_non_max_suppression(tf.stack([boxes] * CLASSES, axis=2), scores, 5, 5)
        return dict(zip(("boxes", "scores", "classes", "count"), found, strict=True))

    with pytest.raises(NotAnSsdError, match=r"takes 3 boxes an anchor, one for each class"):
        read_source(save(tmp_path / "network", of_each_class), options=SourceOptions(background=False))
