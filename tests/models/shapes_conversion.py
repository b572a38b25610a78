"""Converts the shapes detector to float32 and int8: `python shapes_conversion.py SAMPLE OUT`, in a process of its own.

TensorFlow and the TFLite runtimes must not meet in one process, so the tests run this as a program.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.convert.converter import convert_saved_detector, saved_detector
from edgeproof.convert.representative import representative_set
from edgeproof.convert.variants import Variant, settings_of
from edgeproof.sample.shapes import INPUT, NAME, fetch_shapes
from edgeproof.ssd.heads import probe_heads
from edgeproof.ssd.labels import read_labels
from edgeproof.ssd.model import BoxScales, Source, SsdModel
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.tensorflow_import import import_tensorflow

VARIANTS = (Variant.FLOAT32, Variant.INT8)


def convert_shapes(sample_folder: Path, out: Path) -> None:
    """Writes the sample to `sample_folder` and `<variant>.tflite` for each variant to `out`."""
    sample = fetch_shapes(sample_folder)
    model = read_shapes(sample.model, sample.anchors, sample.labels)
    pictures = representative_set(sample.calibration)
    out.mkdir(parents=True, exist_ok=True)
    with saved_detector(model, PostprocessOptions()) as saved_model:
        for variant in VARIANTS:
            data = convert_saved_detector(saved_model, settings_of(variant), lambda: pictures.tensors(model.input))
            (out / f"{variant.value}.tflite").write_bytes(data)


def read_shapes(model: Path, anchors: Path, labels: Path) -> SsdModel:
    """The detector in its .keras file, with its anchors and labels."""
    tensorflow = import_tensorflow()
    import keras

    network = keras.saving.load_model(model, compile=False)
    module = tensorflow.Module()
    module.variables_of_keras = [variable.value for variable in network.variables]

    @tensorflow.function(autograph=False)
    def heads(image: Any) -> Any:
        outputs = network(image, training=False)
        return outputs["box_encodings"], outputs["class_scores"]

    module.heads = heads
    described = json.loads(anchors.read_text("utf-8"))
    boxes = np.array(described["boxes"], np.float32)
    probed = probe_heads(module, INPUT.height, INPUT.width, model.name)
    return SsdModel(
        name=NAME,
        heads=probed,
        anchors=boxes,
        box_scales=BoxScales(*described["box_scales"]),
        input=INPUT,
        labels=read_labels(labels, probed.class_scores_shape[2] - 1),
        source=Source("keras", "Keras model", model.name, ""),
    )


if __name__ == "__main__":
    convert_shapes(Path(sys.argv[1]), Path(sys.argv[2]))
