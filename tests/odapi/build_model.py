"""Runs in the Object Detection API's own environment: builds the model of a pipeline.config, and exports it by the API.

    build_model.py PIPELINE_CONFIG PHOTOS OUT [exported]

PHOTOS is an .npz of uint8 [H, W, 3] in RGB. Writes into OUT what a user of the API has, and what is compared with it:

    pipeline.config, checkpoint/     of weights drawn from a seed, spread out so that detections are distinct
    exported/                        exporter_main_v2, when it is asked for
    tflite/saved_model/              export_tflite_graph_tf2
    reference.tflite                 the latter, converted by this TensorFlow without anything of edgeproof
    prepared.npz                     each photo as the API hands it to the network, float32 [1, h, w, 3]
"""

from __future__ import annotations

import os
import shutil
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
# Imported by the API for DeepMAC alone.
sys.modules["tensorflow_io"] = types.ModuleType("tensorflow_io")


def main(config_file: Path, photos: Path, out: Path, exported: Path | None = None) -> None:
    import tensorflow
    from google.protobuf import text_format
    from keras.src.saving.legacy.saved_model.utils import keras_option_scope
    from object_detection import export_tflite_graph_lib_tf2, exporter_lib_v2
    from object_detection.builders import model_builder
    from object_detection.protos import pipeline_pb2

    config = text_format.Parse(config_file.read_text(), pipeline_pb2.TrainEvalPipelineConfig())
    model = model_builder.build(config.model, is_training=False)
    with np.load(photos) as pictures:
        prepared = {
            name: model.preprocess(tensorflow.cast(picture[np.newaxis], tensorflow.float32))
            for name, picture in pictures.items()
        }
    np.savez(out / "prepared.npz", **{name: images.numpy() for name, (images, _) in prepared.items()})
    photo = next(iter(prepared.values()))
    model.predict(*photo)  # makes the variables
    spread_out(model.variables)
    heads = model.predict(*photo)
    scale_head(model.variables, "ClassHead", heads["class_predictions_with_background"], 1.0, mean=-2.0)
    scale_head(model.variables, "BoxHead", heads["box_encodings"], 2.0)
    shutil.copyfile(config_file, out / "pipeline.config")
    checkpoint = out / "checkpoint"
    tensorflow.train.CheckpointManager(tensorflow.train.Checkpoint(model=model), str(checkpoint), 1).save()
    with keras_option_scope(save_traces=False):  # what it would add, nobody reads, and it doubles the time
        if exported is not None:
            exporter_lib_v2.export_inference_graph("image_tensor", config, str(checkpoint), str(out / exported))
        export_tflite_graph_lib_tf2.export_tflite_model(config, str(checkpoint), str(out / "tflite"), 100, False)
    converter = tensorflow.lite.TFLiteConverter.from_saved_model(str(out / "tflite" / "saved_model"))
    (out / "reference.tflite").write_bytes(converter.convert())


def spread_out(variables: Any) -> None:
    """Random weights that keep the size of what flows through the layers, so that no two detections are alike."""
    random = np.random.default_rng(2)
    for variable in variables:
        name, shape = variable.name, variable.shape.as_list()
        if not variable.dtype.is_floating:
            continue
        if "moving_variance" in name:
            values = random.uniform(0.5, 2, shape)
        elif "gamma" in name:
            values = random.uniform(0.7, 1.4, shape)
        elif "moving_mean" in name or "beta" in name or "bias" in name:
            values = random.normal(0, 0.3, shape)
        else:
            inputs = shape[0] * shape[1] if "depthwise" in name else np.prod(shape[:-1])
            values = random.normal(0, np.sqrt(2 / inputs), shape)
            if "Predictor/" in name and "depthwise" not in name:
                # What comes in is positive: this keeps one class from being the best everywhere.
                values -= values.mean(axis=tuple(range(len(shape) - 1)), keepdims=True)
        variable.assign(values.astype(np.float32))


def scale_head(variables: Any, layer: str, output: Any, deviation: float, mean: float = 0.0) -> None:
    """Gives the output of a head the standard deviation and mean, so that scores are neither all 1 nor all alike."""
    factor = deviation / float(np.std(output))
    # Of a separable convolution's two kernels, the second.
    for variable in (item for item in variables if layer in item.name and "depthwise" not in item.name):
        variable.assign(variable * factor + (mean if "bias" in variable.name else 0.0))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
