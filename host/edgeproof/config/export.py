"""`[check.export]` of edgeproof.toml: how the model of `[check]` is exported, by the names of `edgeproof export`."""

from typing import Annotated, Literal

import msgspec

_Positive = Annotated[int, msgspec.Meta(ge=1)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class ExportConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is not given is as `edgeproof export` has it. Paths start at the file's own folder."""

    out: str = "bundles"
    """Folder for the bundles."""
    images: str | None = None
    images_root: str | None = None
    labels: str | None = None
    name: str | None = None
    input_type: Literal["uint8", "int8"] | None = None
    max_detections: _Positive | None = None
    classes_per_detection: _Positive | None = None
    score_threshold: _Share | None = None
    iou_threshold: _Share | None = None
    nms: Literal["fast", "regular"] | None = None
    post: Literal["graph", "none"] | None = None
    calibration_size: _Positive | None = None
    seed: int | None = None
    keep_float: tuple[str, ...] = ()
    boxes: str | None = None
    scores: str | None = None
    anchors: str | None = None
    anchor_format: Literal["centre", "corners"] | None = None
    box_scales: str | None = None
    input_range: Literal["-1..1", "0..1", "0..255"] | None = None
    input_size: str | None = None
    score_converter: Literal["identity", "sigmoid", "softmax"] | None = None
    background: bool | None = None
    background_last: bool | None = None
    family: str | None = None
    box_coder: Literal["centre", "linear-corners", "boxes", "pixel-boxes", "distances"] | None = None
    box_order: Literal["yx", "xy"] | None = None
    anchor_order: Literal["yx", "xy"] | None = None
    anchor_units: Literal["normalised", "pixels"] | None = None
    colour_order: Literal["rgb", "bgr"] | None = None
    coordinates: Literal["asymmetric", "half_pixel", "align_corners"] | None = None
    mean: str | None = None
    std: str | None = None
    trust_me: bool = False


EXPORT_MEANINGS = {
    "out": "a text: the folder for the bundles",
    "images": "a text: a folder of calibration pictures, or a COCO .json file",
    "images_root": "a text: the folder of a COCO file's pictures",
    "labels": "a text: the path of a file",
    "name": "a text",
    "input_type": "uint8 or int8",
    "max_detections": "a whole number from 1 on",
    "classes_per_detection": "a whole number from 1 on",
    "score_threshold": "a number from 0 to 1",
    "iou_threshold": "a number from 0 to 1",
    "nms": "fast or regular",
    "post": "graph or none",
    "calibration_size": "a whole number from 1 on",
    "seed": "a whole number",
    "keep_float": "a list of layers' names",
    "boxes": "a text: an output's or a node's name",
    "scores": "a text: an output's or a node's name",
    "anchors": "a text: a file, an output or a node",
    "anchor_format": "centre or corners",
    "box_scales": 'a text: four numbers, like "10,10,5,5"',
    "input_range": '"-1..1", "0..1" or "0..255"',
    "input_size": 'a text: height and width, like "300x300"',
    "score_converter": "identity, sigmoid or softmax",
    "background": "true or false",
    "background_last": "true or false",
    "family": "a text: a family as `edgeproof export --help` lists them",
    "box_coder": "centre, linear-corners, boxes, pixel-boxes or distances",
    "box_order": "yx or xy",
    "anchor_order": "yx or xy",
    "anchor_units": "normalised or pixels",
    "colour_order": "rgb or bgr",
    "coordinates": "asymmetric, half_pixel or align_corners",
    "mean": 'a text: one number or one a channel, like "123.68,116.779,103.939"',
    "std": 'a text: one number or one a channel, like "58.395,57.12,57.375"',
    "trust_me": "true or false",
}
