"""A torchvision SSDLite of few parameters, and its training on the shapes that edgeproof draws."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torchvision.models import mobilenet_v3_small
from torchvision.models.detection import _utils as detection_utils
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.ssd import SSD
from torchvision.models.detection.ssdlite import SSDLiteHead, _mobilenet_extractor

from edgeproof.sample.shapes_dataset import CATEGORIES, draw_shapes

SIDE = 320
MOST = 5


def small_detector() -> SSD:
    """As `ssdlite320_mobilenet_v3_large` builds it, of MobileNetV3-small at half width."""
    torch.manual_seed(0)
    norm = partial(nn.BatchNorm2d, eps=0.001, momentum=0.03)
    backbone = mobilenet_v3_small(weights=None, width_mult=0.5, norm_layer=norm, reduced_tail=True)
    backbone = _mobilenet_extractor(backbone, 6, norm)
    anchors = DefaultBoxGenerator([[2, 3] for _ in range(6)], min_ratio=0.2, max_ratio=0.95)
    channels = detection_utils.retrieve_out_channels(backbone, (SIDE, SIDE))
    head = SSDLiteHead(channels, anchors.num_anchors_per_location(), len(CATEGORIES) + 1, norm)
    return SSD(
        backbone,
        anchors,
        (SIDE, SIDE),
        len(CATEGORIES) + 1,
        head=head,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
        score_thresh=0.01,
        nms_thresh=0.45,
        detections_per_img=50,
        topk_candidates=200,
    )


def picture(seed: int, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels [320, 320, 3] in RGB, boxes [N, 4] as x1, y1, x2, y2 in pixels, and classes [N] from 1."""
    import cv2

    drawn = draw_shapes(seed, index)
    high, wide = drawn.pixels.shape[:2]
    pixels = cv2.resize(drawn.pixels, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)[..., ::-1].copy()
    x, y, width, height = drawn.boxes.T.astype(np.float32)
    boxes = np.stack([x, y, x + width, y + height], axis=1) * np.array([SIDE / wide, SIDE / high] * 2, np.float32)
    return pixels, boxes.astype(np.float32), drawn.classes + 1


def train(model: SSD, steps: int, batch: int = 8, pictures: int = 400) -> None:
    """In place. The same steps give the same weights on one machine."""
    drawn = [picture(7, index) for index in range(pictures)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-4)
    model.train()
    for step in range(steps):
        random = np.random.default_rng([5, step])
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1, (step + 1) / 50) * (0.5 * (1 + np.cos(np.pi * step / steps)) + 0.01)
        images: list[Any] = []
        targets: list[Any] = []
        for index in random.integers(0, pictures, batch):
            pixels, boxes, classes = drawn[index]
            image, corners = torch.from_numpy(pixels).permute(2, 0, 1).float() / 255, torch.from_numpy(boxes).clone()
            if random.random() < 0.5:
                image, corners[:, [0, 2]] = image.flip(2), SIDE - corners[:, [2, 0]]
            if random.random() < 0.5:
                image, corners[:, [1, 3]] = image.flip(1), SIDE - corners[:, [3, 1]]
            images.append(image)
            targets.append({"boxes": corners, "labels": torch.from_numpy(classes.astype(np.int64))})
        losses = model(images, targets)
        loss = losses["bbox_regression"] + losses["classification"]
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    model.eval()
