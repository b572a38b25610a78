"""A tiny SSD whose detections are known by construction: it sees bright and red squares on dark ground.

Run as a program it writes the frozen graph, or exports it: TensorFlow never enters the process of the tests.
"""

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

INPUT_SIDE = 64
GRID = 8
CLASSES = ("bright", "red")
NUM_ANCHORS = GRID * GRID
ANCHOR_HEIGHT, ANCHOR_WIDTH = 0.1875, 0.25
CENTRE_SHIFT_Y, CENTRE_SHIFT_X = 0.02, -0.01
SCALE_Y, SCALE_X, SCALE_HEIGHT, SCALE_WIDTH = 10.0, 8.0, 5.0, 4.0
COLOURS_BGR = {"bright": (255, 255, 255), "red": (0, 0, 255)}


def draw_square(label: str, row: int, column: int, side: int = 256) -> np.ndarray:
    """A dark picture, uint8 [side, side, 3] in BGR, with a square of the class `label` in one cell of the grid."""
    picture = draw_dark(side)
    cell = side // GRID
    picture[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell] = COLOURS_BGR[label]
    return picture


def draw_dark(side: int = 256) -> np.ndarray:
    """A picture without an object: faint noise, the same every time."""
    return np.random.default_rng(0).integers(0, 12, (side, side, 3), np.uint8)


def square_box(row: int, column: int) -> tuple[float, float, float, float]:
    """Where the detector must see the square of that cell: ymin, xmin, ymax, xmax in 0..1."""
    return row / GRID, column / GRID, (row + 1) / GRID, (column + 1) / GRID


def write_pictures(folder: Path, count: int = 12) -> None:
    """A representative data set: squares of both classes in various cells."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture = draw_square(CLASSES[number % 2], number * 3 % GRID, number * 5 % GRID)
        cv2.imwrite(str(folder / f"square-{number:02d}.png"), picture)


def anchors() -> np.ndarray:
    """float32 [64, 4] as ymin, xmin, ymax, xmax: larger than a cell and beside its centre, so that decoding matters."""
    centres = (np.arange(GRID) + 0.5) / GRID
    cy, cx = (axis.ravel() for axis in np.meshgrid(centres + CENTRE_SHIFT_Y, centres + CENTRE_SHIFT_X, indexing="ij"))
    half_height, half_width = ANCHOR_HEIGHT / 2, ANCHOR_WIDTH / 2
    corners = [cy - half_height, cx - half_width, cy + half_height, cx + half_width]
    return np.stack(corners, axis=1).astype(np.float32)


def build_tiny_ssd(path: Path) -> None:
    """Writes the frozen graph, with the node names of the TensorFlow 1 Object Detection API. Imports TensorFlow."""
    import tensorflow

    tf = tensorflow.compat.v1
    graph = tensorflow.Graph()
    with graph.as_default():
        image = tf.placeholder(tf.uint8, [None, None, None, 3], "image_tensor")
        pixels = tf.cast(image, tf.float32, name="ToFloat")
        with tf.name_scope("Preprocessor/"):
            # The v1 resize, like that of the API, maps coordinates asymmetrically.
            resized = tf.image.resize_bilinear(pixels, tf.constant([INPUT_SIDE, INPUT_SIDE]), name="ResizeBilinear")
            scaled = tf.multiply(tf.constant(np.float32(2 / 255)), resized, name="mul")
            network_input = tf.subtract(scaled, tf.constant(np.float32(1)), name="sub")
        boxes, logits = network(tf, network_input)
        box_encodings = tf.squeeze(boxes, axis=2, name="Squeeze")
        with tf.name_scope("Concatenate/"):
            halves = np.split(anchors(), 2)
            corners = tf.concat([tf.constant(half) for half in halves], axis=0, name="concat")
        with tf.name_scope("Postprocessor/"):
            tf.expand_dims(corners, 0, name="ExpandDims")
            tf.sigmoid(logits, name="convert_scores")
        with tf.name_scope("Postprocessor/Decode/"):
            rows = tf.unstack(tf.transpose(tf.reshape(box_encodings, [-1, 4])), num=4, name="unstack")
            for row, scale in zip(rows, (SCALE_Y, SCALE_X, SCALE_HEIGHT, SCALE_WIDTH), strict=True):
                tf.divide(row, scale, name="truediv")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(graph.as_graph_def().SerializeToString(deterministic=True))


def network(tf: Any, image: Any) -> tuple[Any, Any]:
    """Box encodings [N, 64, 1, 4] and class logits [N, 64, 3] of a float32 image [N, 64, 64, 3] in -1..1."""
    random = np.random.default_rng(1)
    channels = 8
    cell = INPUT_SIDE // GRID
    mean = 1.0 / (cell * cell)
    features = random.normal(0, 0.01, (cell, cell, 3, channels)).astype(np.float32)
    features[..., 0] = mean / 3 * 3  # 3 * (brightness + 1), 0..6
    features[..., 1] = np.array([1.5, -0.75, -0.75]) * mean  # 1.5 * (redness + 2), 0..6
    bias = np.zeros(channels, np.float32)
    bias[:2] = 3.0
    cells = tf.nn.conv2d(image, tf.constant(features), cell, "VALID", name="FeatureExtractor/Conv")
    cells = tf.nn.relu6(tf.nn.bias_add(cells, tf.constant(bias)), name="FeatureExtractor/Relu6")

    box_weights = random.normal(0, 0.001, (1, 1, channels, 4)).astype(np.float32)
    cell_side = 1 / GRID
    box_bias = [
        -CENTRE_SHIFT_Y / ANCHOR_HEIGHT * SCALE_Y,
        -CENTRE_SHIFT_X / ANCHOR_WIDTH * SCALE_X,
        np.log(cell_side / ANCHOR_HEIGHT) * SCALE_HEIGHT,
        np.log(cell_side / ANCHOR_WIDTH) * SCALE_WIDTH,
    ]
    boxes = tf.nn.conv2d(cells, tf.constant(box_weights), 1, "SAME", name="BoxPredictor_0/BoxEncodings")
    boxes = tf.nn.bias_add(boxes, tf.constant(np.array(box_bias, np.float32)))

    class_weights = np.zeros((1, 1, channels, 3), np.float32)
    class_weights[0, 0, 0, 1] = 2.0
    class_weights[0, 0, 1, 2] = 2.0
    class_bias = np.array([-6.0, -7.0, -9.0], np.float32)  # background, bright, red
    logits = tf.nn.conv2d(cells, tf.constant(class_weights), 1, "SAME", name="BoxPredictor_0/ClassPredictor")
    logits = tf.nn.bias_add(logits, tf.constant(class_bias))
    return tf.reshape(boxes, [-1, NUM_ANCHORS, 1, 4]), tf.reshape(logits, [-1, NUM_ANCHORS, 3])


def export_tiny_ssd(folder: Path) -> None:
    """Fills `folder` with the graph, labels.txt, pictures/, a bundle a variant in bundles/ and raw heads in raw/."""
    from edgeproof.convert.export import export
    from edgeproof.convert.export_options import ExportOptions
    from edgeproof.convert.variants import Variant, available_variants
    from edgeproof.ssd.postprocess import PostprocessOptions

    source, labels, pictures = folder / "tiny_ssd.pb", folder / "labels.txt", folder / "pictures"
    build_tiny_ssd(source)
    labels.write_text("".join(f"{label}\n" for label in CLASSES))
    write_pictures(pictures)
    export(source, folder / "bundles", available_variants(), pictures, ExportOptions(name="tiny", labels=labels))
    raw = ExportOptions(name="tiny", labels=labels, postprocess=PostprocessOptions(in_graph=False))
    export(source, folder / "raw", [Variant.FLOAT32, Variant.INT8], pictures, raw)


if __name__ == "__main__":
    export_tiny_ssd(Path(sys.argv[1]))
