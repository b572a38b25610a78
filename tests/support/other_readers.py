"""How other programs read a detector's outputs, each as its own source does it."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Read = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Boxes [N, 4] as ymin, xmin, ymax, xmax, classes [N] and scores [N]."""


def _values(interpreter: Any, place: int) -> np.ndarray:
    return np.asarray(np.squeeze(interpreter.get_tensor(interpreter.get_output_details()[place]["index"])))


def _counted(boxes: np.ndarray, classes: np.ndarray, scores: np.ndarray, count: np.ndarray) -> Read:
    most = int(count)
    return boxes.reshape(-1, 4)[:most], np.atleast_1d(classes)[:most], np.atleast_1d(scores)[:most]


def frigate(interpreter: Any) -> Read:
    """cpu_tfl.py, `detect_raw`; PyCoral 1's detect.py and Android's example take the same indices."""
    boxes, classes, scores, count = (_values(interpreter, place) for place in range(4))
    return _counted(boxes, classes, scores, count)


def pycoral_2(interpreter: Any) -> Read:
    """pycoral/adapters/detect.py of release 2.0, `get_objects`."""
    signatures = interpreter._get_full_signature_list()
    if not signatures:
        if _values(interpreter, 3).size == 1:
            return frigate(interpreter)
        return _counted(*(_values(interpreter, place) for place in (1, 3, 0, 2)))
    if len(signatures) > 1:
        raise ValueError("Only support model with one signature.")
    outputs = signatures[next(iter(signatures))]["outputs"]
    count, scores, classes, boxes = (
        np.squeeze(interpreter.get_tensor(outputs[f"output_{number}"])) for number in range(4)
    )
    return _counted(boxes, classes, scores, count)


def raspberry_pi(interpreter: Any) -> Read:
    """EdjeElectronics, TFLite_detection_image.py."""
    if "StatefulPartitionedCall" in interpreter.get_output_details()[0]["name"]:
        boxes, classes, scores = (_values(interpreter, place) for place in (1, 3, 0))
    else:
        boxes, classes, scores = (_values(interpreter, place) for place in (0, 1, 2))
    return boxes.reshape(-1, 4), classes, scores


def by_tensor_names(interpreter: Any) -> Read:
    """Scripts for TensorFlow 1's exporter."""
    names = {one["name"]: one["index"] for one in interpreter.get_output_details()}
    operator = "TFLite_Detection_PostProcess"
    boxes, classes, scores, count = (
        np.squeeze(interpreter.get_tensor(names[name])) for name in (operator, *(f"{operator}:{n}" for n in (1, 2, 3)))
    )
    return _counted(boxes, classes, scores, count)


RULES: Mapping[str, Callable[[Any], Read]] = {
    "Frigate, PyCoral 1, Android": frigate,
    "PyCoral 2": pycoral_2,
    "Raspberry Pi scripts": raspberry_pi,
    "names of tensors": by_tensor_names,
}
