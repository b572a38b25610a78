"""What a converted model's `bundle.json` says, and the anchors that travel with raw heads."""

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.convert.structural_check import resolve_heads, resolve_outputs
from edgeproof.convert.variants import Variant
from edgeproof.ssd.model import BoxScales as ModelBoxScales
from edgeproof.ssd.model import SsdModel
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.tflite.file import TfliteFile
from edgeproof_agent.bundle.manifest import (
    ANCHORS_FILE,
    BoxScales,
    InputType,
    Manifest,
    NonMaxSuppression,
    OutputContract,
    RawHeadsContract,
)


def describe_bundle(
    model: SsdModel,
    file: TfliteFile,
    variant: Variant,
    postprocess: PostprocessOptions,
    provenance: Mapping[str, Any],
) -> Manifest:
    """The manifest without its files. `file` has passed the structural check."""
    tensor = file.inputs[0]
    dtype = InputType(tensor.dtype)
    quantization = None if dtype is InputType.FLOAT32 else tensor.quantization
    return Manifest(
        name=model.name,
        variant=variant.value,
        files={},
        input=replace(model.input, dtype=dtype, quantization=quantization),
        output=_output(model, file, postprocess),
        label_offset=model.labels.label_offset,
        category_offset=model.labels.category_offset,
        provenance=provenance,
        category_ids=model.labels.category_ids,
    )


def raw_heads_contract(
    scales: ModelBoxScales, postprocess: PostprocessOptions, box_encodings: int = 0, class_scores: int = 1
) -> RawHeadsContract:
    """How detections are made of a model's own heads, with the settings that the operator would get."""
    return RawHeadsContract(
        box_encodings=box_encodings,
        class_scores=class_scores,
        box_scales=BoxScales(scales.y, scales.x, scales.height, scales.width),
        nms=NonMaxSuppression.REGULAR if postprocess.use_regular_nms else NonMaxSuppression.FAST,
        max_detections=postprocess.max_detections,
        classes_per_detection=postprocess.max_classes_per_detection,
        detections_per_class=postprocess.detections_per_class,
        score_threshold=postprocess.score_threshold,
        iou_threshold=postprocess.iou_threshold,
    )


def anchors_file(anchors: npt.NDArray[np.float32]) -> dict[str, bytes]:
    """What is in a bundle with raw heads beside the model and the labels. `anchors` is [A, 4] as in the bundle."""
    data = io.BytesIO()
    np.save(data, np.ascontiguousarray(anchors, "<f4"), allow_pickle=False)
    return {ANCHORS_FILE: data.getvalue()}


def _output(model: SsdModel, file: TfliteFile, postprocess: PostprocessOptions) -> OutputContract | RawHeadsContract:
    if postprocess.in_graph:
        return resolve_outputs(file, postprocess.max_classes_per_detection)
    return raw_heads_contract(model.box_scales, postprocess, *resolve_heads(file))
