"""What a torchvision detector holds beside its layers: anchors, box scales, mean and std, suppression."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.torch.importing import import_torch, import_torchvision

_BYTES = 255.0
_MOST_DETECTIONS = 100
_SIDES = 32
"""Pixels that the sides of torchvision's batches are multiples of: a RetinaNet's pictures are padded to them."""


@dataclass(frozen=True)
class TorchDetector:
    module: Any
    """A copy on the CPU, in evaluation mode."""
    height: int
    width: int
    anchors: npt.NDArray[np.float32]
    """[A, 4] as centre y, centre x, height, width, in 0..1 of the picture."""
    box_scales: tuple[float, float, float, float]
    """Divisors of ty, tx, th, tw."""
    mean: tuple[float, float, float]
    """R, G, B of pixels in 0..255, as is `std`."""
    std: tuple[float, float, float]
    softmax: bool
    """Whether scores are made by a softmax over classes and a background, which comes first; else by a sigmoid."""
    num_classes: int
    """Without background."""
    postprocess: PostprocessOptions
    """The module's own thresholds."""

    @property
    def kind(self) -> str:
        return type(self.module).__name__


def read_detector(model: Any, size: int | tuple[int, int] | None) -> TorchDetector:
    """`model` is an SSD or RetinaNet of torchvision, `size` the height and width that pictures are stretched to; an
    SSD has one size, which may be left out.

    Raises NotAnSsdError for another module, UsageError for a size that it cannot have.
    """
    torch, detection = import_torch(), import_torchvision().models.detection
    ssd = isinstance(model, detection.ssd.SSD)
    if not ssd and not isinstance(model, detection.retinanet.RetinaNet):
        raise NotAnSsdError(
            f"{type(model).__module__}.{type(model).__name__} is no detector that edgeproof reads: give an SSD or a "
            "RetinaNet of torchvision.models.detection. Other networks export to ONNX or SavedModel."
        )
    height, width = _size(model, size, ssd)
    model = copy.deepcopy(model).cpu().eval()
    transform, weights = model.transform, model.box_coder.weights
    with torch.no_grad():
        picture = torch.zeros(1, 3, height, width)
        features = features_of(model, picture)
        columns = int(model.head(features)["cls_logits"].shape[-1])
        images = detection.image_list.ImageList(picture, [(height, width)])
        corners = model.anchor_generator(images, features)[0].numpy()
    return TorchDetector(
        module=model,
        height=height,
        width=width,
        anchors=_centres(corners, height, width),
        box_scales=(float(weights[1]), float(weights[0]), float(weights[3]), float(weights[2])),
        mean=_channels(transform.image_mean),
        std=_channels(transform.image_std),
        softmax=ssd,
        num_classes=columns - 1 if ssd else columns,
        postprocess=PostprocessOptions(
            max_detections=min(int(model.detections_per_img), _MOST_DETECTIONS),
            score_threshold=float(model.score_thresh),
            iou_threshold=float(model.nms_thresh),
        ),
    )


def features_of(model: Any, picture: Any) -> list[Any]:
    """Feature maps of a picture [1, 3, H, W], as the head takes them."""
    features = model.backbone(picture)
    return [features] if hasattr(features, "shape") else list(features.values())


def _size(model: Any, size: int | tuple[int, int] | None, ssd: bool) -> tuple[int, int]:
    fixed = model.transform.fixed_size
    if fixed is not None:  # as width, height
        own = int(fixed[1]), int(fixed[0])
        asked = (size, size) if isinstance(size, int) else size
        if asked is not None and tuple(asked) != own:
            raise UsageError(
                f"the {type(model).__name__} takes {own[0]} x {own[1]}, and its anchors are for that size."
            )
        return own
    if size is None:
        raise UsageError(f"a {type(model).__name__} takes any size: say one, e.g. size=(320, 320).")
    height, width = (size, size) if isinstance(size, int) else size
    if min(height, width) < _SIDES or (not ssd and (height % _SIDES or width % _SIDES)) or max(height, width) > 8192:
        raise UsageError(
            f"size is {height} x {width}; both sides must be multiples of {_SIDES}, which torchvision pads to, and at "
            "most 8192."
        )
    return int(height), int(width)


def _centres(corners: npt.NDArray[Any], height: int, width: int) -> npt.NDArray[np.float32]:
    """Of x1, y1, x2, y2 in pixels."""
    x1, y1, x2, y2 = corners.astype(np.float64).T
    centres = [(y1 + y2) / 2 / height, (x1 + x2) / 2 / width, (y2 - y1) / height, (x2 - x1) / width]
    return np.stack(centres, axis=1).astype(np.float32)


def _channels(values: Any) -> tuple[float, float, float]:
    """torchvision's are of pixels in 0..1. Six digits, which is what its authors write."""
    red, green, blue = (float(f"{float(value) * _BYTES:.6g}") for value in values)
    return red, green, blue
