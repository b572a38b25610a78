"""The tiny SSD in other forms that users have: SavedModels, `tflite_graph.pb`, TensorFlow.js. Needs TensorFlow."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.networks import tiny_ssd

SCALES = (tiny_ssd.SCALE_Y, tiny_ssd.SCALE_X, tiny_ssd.SCALE_HEIGHT, tiny_ssd.SCALE_WIDTH)
OPERATOR = "TFLite_Detection_PostProcess"


def centre_anchors() -> np.ndarray:
    """float32 [64, 4] as centre y, centre x, height, width."""
    ymin, xmin, ymax, xmax = tiny_ssd.anchors().T
    return np.stack([(ymin + ymax) / 2, (xmin + xmax) / 2, ymax - ymin, xmax - xmin], axis=1)


def heads(image: Any) -> tuple[Any, Any]:
    """Box encodings [1, 64, 4] and logits [1, 64, 3] of a float32 image [1, 64, 64, 3] in -1..1."""
    import tensorflow as tf

    boxes, logits = tiny_ssd.network(tf.compat.v1, image)
    return tf.squeeze(boxes, axis=2), logits


def save_raw_heads(folder: Path, anchors: bool = True) -> Path:
    """A SavedModel with the heads in its signature, and the anchors among the outputs."""
    import tensorflow as tf

    class Detector(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec([1, 64, 64, 3], tf.float32, "image")])
        def serve(self, image: Any) -> Any:
            box_encodings, logits = heads(image)
            outputs = {"locations": box_encodings, "classes": tf.sigmoid(logits)}
            return {**outputs, "priors": tf.constant(tiny_ssd.anchors())} if anchors else outputs

    detector = Detector()
    tf.saved_model.save(detector, str(folder), signatures={"serving_default": detector.serve})
    return folder


def save_with_composite(folder: Path) -> Path:
    """Like export_tflite_graph_tf2: the composite is called in a nested function, its outputs are reversed."""
    import tensorflow as tf

    scales = zip(("y_scale", "x_scale", "h_scale", "w_scale"), SCALES, strict=True)
    attributes = [f'attr {{ key: "{name}" value {{ f: {scale} }} }}' for name, scale in scales]
    signature = " ".join([f'name: "{OPERATOR}"', 'attr { key: "num_classes" value { i: 2 } }', *attributes])

    @tf.function(experimental_implements=signature)
    def dummy_post_processing(box_encodings: Any, class_scores: Any, anchors: Any) -> Any:
        return tf.zeros([1, 10, 4]), tf.zeros([1, 10]), tf.zeros([1, 10]), tf.zeros([1])

    class Detector(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.anchors = tf.Variable(centre_anchors(), trainable=False)

        @tf.function
        def predict(self, image: Any) -> Any:
            box_encodings, logits = heads(image)
            return dummy_post_processing(box_encodings, tf.sigmoid(logits), self.anchors.read_value())

        @tf.function(input_signature=[tf.TensorSpec([1, 64, 64, 3], tf.float32, "input")])
        def serve(self, image: Any) -> Any:
            return {f"output_{3 - position}": value for position, value in enumerate(self.predict(image))}

    detector = Detector()
    tf.saved_model.save(detector, str(folder), signatures={"serving_default": detector.serve})
    return folder


def save_like_object_detection_api(folder: Path) -> Path:
    """Like exporter_main_v2: bytes of any size in, a loop that prepares each picture, SSDMetaArch's names nested."""
    import tensorflow as tf

    def prepare(picture: Any) -> Any:
        with tf.name_scope("Preprocessor"):
            normalised = 2.0 / 255.0 * picture - 1.0
            with tf.name_scope("ResizeImage"):
                return tf.compat.v1.image.resize_bilinear(normalised[tf.newaxis], [64, 64])[0]

    class Detector(tf.Module):  # type: ignore[misc]
        @tf.function
        def call_func(self, image: Any) -> Any:
            signature = tf.TensorSpec([64, 64, 3], tf.float32)
            prepared = tf.map_fn(prepare, tf.cast(image, tf.float32), fn_output_signature=signature)
            boxes, logits = tiny_ssd.network(tf.compat.v1, prepared)
            box_encodings = tf.squeeze(boxes, axis=2, name="Squeeze")
            with tf.name_scope("Concatenate"):
                corners = tf.concat(np.split(tiny_ssd.anchors(), 2), axis=0, name="concat")
            with tf.name_scope("Postprocessor"):
                scores = tf.sigmoid(logits, name="convert_scores")
                with tf.name_scope("Decode"):
                    rows = tf.unstack(tf.transpose(tf.reshape(box_encodings, [-1, 4])), num=4, name="unstack")
                    scaled = tf.stack([row / scale for row, scale in zip(rows, SCALES, strict=True)], axis=1)
            best = tf.argmax(tf.reduce_max(scores[0, :, 1:], axis=1))
            return {
                "raw_detection_boxes": (scaled + corners)[tf.newaxis],
                "raw_detection_scores": scores,
                "detection_scores": tf.reduce_max(scores[:, best, 1:], axis=1, keepdims=True),
            }

        @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.uint8, "input_tensor")])
        def serve(self, image: Any) -> Any:
            return self.call_func(image)

    detector = Detector()
    tf.saved_model.save(detector, str(folder), signatures={"serving_default": detector.serve})
    return folder


def write_tflite_graph(path: Path) -> Path:
    """Like export_tflite_ssd_graph: ends in the post-processing operator, which TensorFlow does not know."""
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        image = tf.compat.v1.placeholder(tf.float32, [1, 64, 64, 3], "normalized_input_image_tensor")
        box_encodings, logits = heads(image)
        tf.identity(box_encodings, name="raw_outputs/box_encodings")
        tf.sigmoid(logits, name="raw_outputs/class_predictions")
        tf.constant(centre_anchors(), name="anchors")
    graph_def = graph.as_graph_def()
    node = graph_def.node.add()
    node.name, node.op = OPERATOR, OPERATOR
    node.input.extend(["raw_outputs/box_encodings", "raw_outputs/class_predictions", "anchors"])
    for name, scale in zip(("y_scale", "x_scale", "h_scale", "w_scale"), SCALES, strict=True):
        node.attr[name].f = scale
    node.attr["num_classes"].i = 2
    path.write_bytes(graph_def.SerializeToString())
    return path


def write_tfjs(frozen_graph: Path, folder: Path, fused: bool = False, shard_bytes: int = 1000) -> Path:
    """The frozen graph as a TensorFlow.js graph model, its weights in shards; `fused` as newer converters write it."""
    import tensorflow as tf
    from google.protobuf import json_format

    folder.mkdir(parents=True, exist_ok=True)
    graph_def = tf.compat.v1.GraphDef.FromString(frozen_graph.read_bytes())
    if fused:
        _fuse(graph_def)
    nodes, weights, data = [], [], b""
    for node in graph_def.node:
        described = json_format.MessageToDict(node)
        if node.op == "Const":
            values = tf.make_ndarray(node.attr["value"].tensor)
            weights.append({"name": node.name, "shape": list(values.shape), "dtype": str(values.dtype)})
            data += values.tobytes()
            described["attr"]["value"] = {"tensor": {"dtype": described["attr"]["dtype"]["type"]}}
        nodes.append(described)
    paths: list[str] = []
    for start in range(0, len(data), shard_bytes):
        paths.append(f"group1-shard{len(paths) + 1}.bin")
        (folder / paths[-1]).write_bytes(data[start : start + shard_bytes])
    model = {
        "format": "graph-model",
        "modelTopology": {"node": nodes, "versions": {"producer": 27}},
        "weightsManifest": [{"paths": paths, "weights": weights}],
    }
    (folder / "model.json").write_text(json.dumps(model))
    return folder


def _fuse(graph_def: Any) -> None:
    """Puts the first convolution, its bias and its activation into one operator."""
    nodes = {node.name: node for node in graph_def.node}
    activation, convolution = nodes["FeatureExtractor/Relu6"], nodes["FeatureExtractor/Conv"]
    bias = nodes[activation.input[0]]
    activation.op = "_FusedConv2D"
    activation.input[:] = [*convolution.input, bias.input[1]]
    for key in ("strides", "padding", "data_format", "dilations"):
        activation.attr[key].CopyFrom(convolution.attr[key])
    activation.attr["fused_ops"].list.s.extend([b"BiasAdd", b"Relu6"])
    activation.attr["num_args"].i = 1
    for node in (convolution, bias):
        graph_def.node.remove(node)
