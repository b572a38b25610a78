"""What of a pipeline.config keeps the Object Detection API's exporter from giving an SSD, before anything is set up."""

import enum
from pathlib import Path

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.checkpoint.config_file import read_config

_ARCHITECTURES = {"faster_rcnn": "Faster R-CNN", "center_net": "CenterNet"}


class _ResizeMethod(enum.Enum):
    """How edgeproof prepares pictures; the exported SavedModel does not say it."""

    BILINEAR = 0


def require_exportable(config: Path) -> None:
    """Raises NotAnSsdError, also when the file cannot be read."""
    model = read_config(config).section("model")
    if model is None:
        raise NotAnSsdError(f"{config}: it has no 'model': it is no pipeline.config of the Object Detection API.")
    for field, name in _ARCHITECTURES.items():
        if model.has(field):
            raise model.error(
                f"it describes a {name}. The Object Detection API exports SSD detectors alone for "
                "TFLite_Detection_PostProcess, and edgeproof reads nothing else"
            )
    ssd = model.only_section(["ssd"], "architecture")
    resizer = ssd.section("image_resizer")
    if resizer is None or not resizer.has("fixed_shape_resizer"):
        raise (resizer or ssd).error(
            "the API's exporter takes models with a fixed_shape_resizer alone. In a copy of the file, put for instance "
            "fixed_shape_resizer { height: 512 width: 512 } into image_resizer, of the size that it was trained with"
        )
    fixed = resizer.only_section(["fixed_shape_resizer"], "image_resizer")
    fixed.member("resize_method", _ResizeMethod.BILINEAR)
    coder = ssd.section("box_coder")
    if coder is None:
        raise ssd.error("it has no 'box_coder'")
    # The exporter writes the scales of this one, whichever is there.
    coder.only_section(["faster_rcnn_box_coder"], "box_coder")
