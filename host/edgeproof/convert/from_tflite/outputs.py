"""What the four outputs of a .tflite with detections are: which rows of them are valid is judged by this alone."""

from edgeproof.ssd.postprocess import SCORES
from edgeproof.tflite.file import TfliteFile
from edgeproof.tflite.output_map import DETECTIONS, OutputMap
from edgeproof_agent.bundle.manifest import Decoder, OutputContract


def detections_contract(file: TfliteFile, found: OutputMap, rows: int | None = None) -> OutputContract:
    """By the post-processing operator, where there is one. Else `rows` is how many rows the scores have, if a run told
    it; the file's shapes say it otherwise."""
    boxes, classes, scores, count = (found.positions[name] for name in DETECTIONS)
    max_detections, classes_each, classes_per_detection = rows, 1, 1
    if file.postprocess:
        attributes = file.postprocess[0].attributes
        classes_each = int(attributes.get("max_classes_per_detection", 1))
        # Regular suppression takes each class of a box as a detection of its own, and leaves the rows behind unset.
        classes_per_detection = 1 if attributes.get("use_regular_nms") else classes_each
        # The shapes of the outputs may be unknown until the file runs.
        max_detections = int(attributes["max_detections"])
    if max_detections is None:
        shape = file.outputs[found.positions[SCORES]].shape
        max_detections = shape[1] if len(shape) == 2 else 1
    return OutputContract(
        decoder=Decoder.IN_GRAPH,
        boxes=boxes,
        classes=classes,
        scores=scores,
        count=count,
        max_detections=max_detections * classes_each,
        classes_per_detection=classes_per_detection,
    )
