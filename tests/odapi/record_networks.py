"""Runs in the Object Detection API's own environment: records what it builds, for the unit tests that do without it.

    record_networks.py

Reads tests/support/networks/odapi_networks/*.config, and writes the `.variables` and `.json`
beside each (see odapi_network.py).
"""

from __future__ import annotations

import json
import os
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
# Imported by the API for DeepMAC alone.
sys.modules["tensorflow_io"] = types.ModuleType("tensorflow_io")
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.networks import odapi_network  # noqa: E402

_RECORDED_NUMBERS = 12


def record(network: odapi_network.RecordedNetwork) -> None:
    import tensorflow
    from google.protobuf import text_format
    from object_detection.builders import model_builder
    from object_detection.protos import pipeline_pb2

    tensorflow.keras.backend.clear_session()
    config = text_format.Parse(network.config.read_text(), pipeline_pb2.TrainEvalPipelineConfig())
    model = model_builder.build(config.model, is_training=False)
    size = config.model.ssd.image_resizer.fixed_shape_resizer
    picture = tensorflow.constant(odapi_network.picture(size.height, size.width))
    true_shape = tensorflow.constant([[size.height, size.width, 3]])
    model.predict(picture, true_shape)  # makes the variables
    names = {variable.name.partition(":")[0]: variable for variable in model.variables}
    for name, variable in names.items():
        variable.assign(odapi_network.weight(name, tuple(variable.shape)))
    network.config.with_suffix(".variables").write_text(
        _variable_lines({name: tuple(variable.shape) for name, variable in names.items()})
    )
    heads = model.predict(picture, true_shape)
    outputs = {"boxes": "box_encodings", "classes": "class_predictions_with_background", "anchors": "anchors"}
    numbers = {name: _numbers(np.asarray(heads[output])) for name, output in outputs.items()}
    network.config.with_suffix(".json").write_text(json.dumps(numbers, indent=1) + "\n")


def _variable_lines(shapes: dict[str, tuple[int, ...]]) -> str:
    """Those of one layer and shape together in a line."""
    groups: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for name, shape in shapes.items():
        layer, _, kind = name.rpartition("/")
        groups.setdefault((layer, shape), []).append(kind)
    lines = [
        f"{layer}/{kinds[0] if len(kinds) == 1 else '{' + ','.join(kinds) + '}'} {'x'.join(map(str, shape))}\n"
        for (layer, shape), kinds in groups.items()
    ]
    return "".join(lines)


def _numbers(values: Any) -> dict[str, Any]:
    flat = values.reshape(-1)
    positions = np.sort(np.random.RandomState(7).choice(flat.size, _RECORDED_NUMBERS, replace=False))
    return {
        "shape": list(values.shape),
        "positions": positions.tolist(),
        "values": [float(f"{flat[position]:.7g}") for position in positions],
        "mean": float(f"{flat.mean(dtype=np.float64):.7g}"),
        "std": float(f"{flat.std(dtype=np.float64):.7g}"),
    }


if __name__ == "__main__":
    for recorded_name in odapi_network.NAMES:
        record(odapi_network.RecordedNetwork(recorded_name))
