"""Which output means what by the names that producers of detectors give: in the metadata, the signature, the tensors.

A name counts only where the shapes do not speak against it.
"""

from collections.abc import Mapping, Sequence

from edgeproof.ssd.postprocess import BOXES, CLASSES, COUNT, SCORES
from edgeproof.tflite.file import POSTPROCESS_OPERATOR, TensorInfo, TfliteFile

_METADATA = {"location": BOXES, "category": CLASSES, "score": SCORES, "number of detections": COUNT}
"""What TensorFlow's metadata writer for object detectors, and so MediaPipe and the Task Library, name them."""
_SIGNATURE = {"output_0": COUNT, "output_1": SCORES, "output_2": CLASSES, "output_3": BOXES}
"""What TensorFlow 2 makes of the Object Detection API's four outputs; PyCoral 2 reads no other."""
_TENSORS = {
    POSTPROCESS_OPERATOR: BOXES,
    f"{POSTPROCESS_OPERATOR}:1": CLASSES,
    f"{POSTPROCESS_OPERATOR}:2": SCORES,
    f"{POSTPROCESS_OPERATOR}:3": COUNT,
}
"""What TensorFlow 1's exporter names them."""


def outputs_by_metadata(file: TfliteFile, names: Sequence[str]) -> dict[str, int] | None:
    """`names` are those that the metadata gives the outputs, in their order."""
    return _told(file, _METADATA, {name.lower(): place for place, name in enumerate(names)})


def outputs_by_names(file: TfliteFile) -> dict[str, int] | None:
    for signature in file.signatures:
        found = _told(file, _SIGNATURE, signature.outputs)
        if found is not None:
            return found
    return _told(file, _TENSORS, {tensor.name: place for place, tensor in enumerate(file.outputs)})


def _told(file: TfliteFile, meanings: Mapping[str, str], places: Mapping[str, int]) -> dict[str, int] | None:
    if len(file.outputs) != len(meanings) or set(places) != set(meanings):
        return None
    found = {meanings[name]: place for name, place in places.items()}
    return found if _fits({meaning: file.outputs[place] for meaning, place in found.items()}) else None


def _fits(outputs: Mapping[str, TensorInfo]) -> bool:
    """Whether the shapes could be those of detections; a shape without dimensions is one that is not known yet."""
    shapes = {meaning: tensor.shape for meaning, tensor in outputs.items()}
    boxes, classes, scores, count = (shapes[meaning] for meaning in (BOXES, CLASSES, SCORES, COUNT))
    return (
        (not boxes or (len(boxes) == 3 and boxes[2] == 4))
        and all(not rows or len(rows) == 2 for rows in (classes, scores))
        and (not classes or not scores or classes == scores)
        and len(count) < 2
    )
