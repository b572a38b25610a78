"""Runs in the Object Detection API's own environment, Python 3.9 to 3.11, and imports nothing of edgeproof.

    tflite_exporter.py PIPELINE_CONFIG CHECKPOINT OUT

CHECKPOINT is a prefix (`.../ckpt-0`). Writes OUT/saved_model as the API's `export_tflite_graph_tf2` does, and
OUT/input.json: what the API makes of a picture before the network sees it, which that SavedModel does not say.
"""

import json
import os
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

import numpy as np

# Distinct in all channels, so that swapped ones are seen.
_PROBES = ((0, 0, 0), (255, 255, 255), (16, 96, 224))
_TOLERANCE = 1e-3


def main(config_path: str, checkpoint: str, out: str) -> None:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    # The API imports it for DeepMAC alone, which is no SSD, and it has wheels for few machines.
    sys.modules["tensorflow_io"] = types.ModuleType("tensorflow_io")

    import tensorflow
    from google.protobuf import text_format
    from keras.src.saving.legacy.saved_model.utils import keras_option_scope
    from object_detection import export_tflite_graph_lib_tf2
    from object_detection.builders import model_builder
    from object_detection.protos import pipeline_pb2

    config = text_format.Parse(Path(config_path).read_text(encoding="utf-8"), pipeline_pb2.TrainEvalPipelineConfig())
    model = model_builder.build(config.model, is_training=False)
    description = {"num_classes": config.model.ssd.num_classes, **_normalisation(model, tensorflow)}
    with tempfile.TemporaryDirectory() as folder:
        # The exporter takes the newest checkpoint of a folder; this names the one that was asked for.
        tensorflow.compat.v1.train.update_checkpoint_state(folder, checkpoint)
        try:
            # Without a function for every Keras layer beside the signature, which halves the time. edgeproof attaches a
            # post-processing of its own: the settings of this one go no further.
            with keras_option_scope(save_traces=False):
                export_tflite_graph_lib_tf2.export_tflite_model(config, folder, out, 10, False)
        except AssertionError as error:
            raise SystemExit(f"the checkpoint is not of the network that pipeline.config describes: {error}") from error
    (Path(out) / "input.json").write_text(json.dumps(description), encoding="utf-8")


def _normalisation(model: Any, tensorflow: Any) -> dict[str, list[float]]:
    """Mean and standard deviation a channel, of (pixel - mean) / std, as the model's own preprocessing gives them."""
    black, white, colour = (
        np.asarray(
            model.preprocess(tensorflow.constant(np.full((1, 64, 64, 3), probe, np.float32)))[0][0, 0, 0], np.float64
        )
        for probe in _PROBES
    )
    factor = (white - black) / 255
    deviation = np.abs(black + factor * _PROBES[2] - colour).max()
    if not factor.all() or deviation > _TOLERANCE * np.abs(white).max():
        raise SystemExit("the network wants pictures prepared by more than a mean and a standard deviation a channel")
    return {"mean": (-black / factor).tolist(), "std": (1 / factor).tolist()}


if __name__ == "__main__":
    main(*sys.argv[1:])
