"""A torchvision detector's layers alone, as a module that gives what edgeproof's files end in."""

import copy
import hashlib
from typing import Any

from edgeproof.errors import ConversionError
from edgeproof.ssd.postprocess import BOX_ENCODINGS, CLASS_SCORES, IMAGE
from edgeproof.tflite.editing import EditableModel
from edgeproof.torch.detector import TorchDetector, features_of
from edgeproof.torch.importing import import_litert_torch, import_torch

_Y_FIRST = (1, 0, 3, 2)
_TOLERANCE = 1e-4
_LEAST_LENGTH = 1e-12
"""As torch.nn.functional.normalize has it."""


def convert_heads(detector: TorchDetector) -> bytes:
    """A float32 .tflite of the network: a prepared picture [1, H, W, 3] in, box encodings [1, A, 4] as ty, tx, th, tw
    and class scores [1, A, C] in 0..1 out. The module that was given stays as it is.

    Raises ConversionError when litert-torch fails.
    """
    torch, litert = import_torch(), import_litert_torch()
    module = heads_module(detector)
    sample = (torch.zeros(1, detector.height, detector.width, 3),)
    try:
        channels_last = litert.to_channel_last_io(module, args=[0]).eval()
        data = bytes(litert.convert(channels_last, sample).model_content())
    except Exception as error:  # it raises whatever torch.export, its passes and MLIR meet
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ConversionError(f"litert-torch cannot convert the {detector.kind}: {reason.strip()}") from error
    model = EditableModel(data)
    model.name([IMAGE], [BOX_ENCODINGS, CLASS_SCORES])
    return model.to_bytes()


def heads_module(detector: TorchDetector) -> Any:
    """Takes a prepared picture [1, 3, H, W]. Box predictions are turned y first inside the last convolutions."""
    torch = import_torch()
    model = copy.deepcopy(detector.module)
    picture = torch.randn(1, 3, detector.height, detector.width, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = model.head(features_of(model, picture))["bbox_regression"][..., list(_Y_FIRST)]
        for convolution in _box_convolutions(model):
            _turn(convolution)
        if hasattr(model.backbone, "scale_weight"):
            model.backbone = _vgg_features(model.backbone)
        after = model.head(features_of(model, picture))["bbox_regression"]
    if before.shape != after.shape or (before - after).abs().max() > _TOLERANCE * max(float(before.abs().max()), 1.0):
        raise ConversionError(
            f"the {detector.kind} has a head of its own whose box predictions cannot be turned y first. Use "
            "torchvision's heads, or export it to ONNX."
        )

    base: Any = torch.nn.Module

    class Heads(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.backbone, self.head = model.backbone, model.head

        def forward(self, image: Any) -> Any:
            found = self.head(features_of(self, image))
            logits = found["cls_logits"]
            scores = logits.softmax(-1) if detector.softmax else logits.sigmoid()
            return found["bbox_regression"], scores

    return Heads().eval()


def _vgg_features(backbone: Any) -> Any:
    """torchvision's `SSDFeatureExtractorVGG` with its L2 normalisation as a multiplication: litert-torch 0.10 makes a
    division of it whose sides do not fit once the channels are last."""
    torch = import_torch()
    base: Any = torch.nn.Module

    class Features(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.features, self.extra, self.scale_weight = backbone.features, backbone.extra, backbone.scale_weight

        def forward(self, image: Any) -> Any:
            found = self.features(image)
            lengths = found.pow(2).sum(1, keepdim=True).clamp_min(_LEAST_LENGTH**2)
            maps = [self.scale_weight.view(1, -1, 1, 1) * (found * lengths.rsqrt())]
            for block in self.extra:
                found = block(found)
                maps.append(found)
            return dict(enumerate(maps))

    return Features().eval()


def digest_of(detector: TorchDetector) -> str:
    """SHA-256 over the weights by their names, and over the size."""
    digest = hashlib.sha256(f"{detector.kind} {detector.height} {detector.width}".encode())
    for name, tensor in sorted(detector.module.state_dict().items()):
        values = tensor.detach().cpu().contiguous().numpy()
        digest.update(f"{name} {values.dtype} {values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def _box_convolutions(model: Any) -> list[Any]:
    """The last convolution of each branch that predicts boxes: one a level in an SSD, one for all in a RetinaNet."""
    torch = import_torch()
    head = model.head.regression_head
    branches = getattr(head, "module_list", None) or [head.bbox_reg]
    return [[layer for layer in branch.modules() if isinstance(layer, torch.nn.Conv2d)][-1] for branch in branches]


def _turn(convolution: Any) -> None:
    """Exchanges x and y, width and height, in each group of four output channels."""
    torch = import_torch()
    groups = torch.arange(convolution.out_channels).reshape(-1, 4)
    order = groups[:, list(_Y_FIRST)].reshape(-1)
    convolution.weight.copy_(convolution.weight[order].clone())
    if convolution.bias is not None:
        convolution.bias.copy_(convolution.bias[order].clone())
