"""torchvision's detectors, exported, detect what PyTorch detects. `make soak` makes the environment for these."""

import contextlib
import io
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torchvision")
pytest.importorskip("litert_torch")

import torch
import torchvision

import edgeproof.torch
from edgeproof.bundle import Bundle
from edgeproof.convert.export_options import ExportOptions
from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.sample.shapes_dataset import CATEGORIES
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.source_options import InputRange, SourceOptions
from edgeproof.torch.detector import read_detector
from edgeproof_agent.detection.detector import load_detector
from edgeproof_agent.detection.interpreters import import_runtime
from tests.pytorch.small_detector import SIDE, picture, small_detector, train
from tests.support.contracts import heads_of

pytestmark = pytest.mark.timeout(1800)
models = torchvision.models.detection
CLASSES_OF_RANDOM = 3
STEPS = 500
VALIDATION = 100
TOLERANCES = {"float32": 0.002, "float16": 0.005, "dynamic": 0.03, "int8": 0.05, "int16x8": 0.05}


def randomised(model: Any, size: tuple[int, int]) -> Any:
    """Statistics of a batch as no training leaves them alone: seeded ones, and heads that spread their predictions."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, torch.nn.BatchNorm2d) or type(layer).__name__ == "FrozenBatchNorm2d":
                layer.running_mean.copy_(torch.randn(layer.running_mean.shape, generator=generator) * 0.05)
                layer.running_var.copy_(0.7 + 0.6 * torch.rand(layer.running_var.shape, generator=generator))
        model.eval()
        images, _ = model.transform([torch.rand(3, *size, generator=generator)])
        features = model.backbone(images.tensors)
        features = [features] if isinstance(features, torch.Tensor) else list(features.values())
        for head, result in (
            (model.head.regression_head, "bbox_regression"),
            (model.head.classification_head, "cls_logits"),
        ):
            spread = model.head(features)[result].std()
            branches = getattr(head, "module_list", None) or [getattr(head, "bbox_reg", None) or head.cls_logits]
            for branch in branches:
                last = [layer for layer in branch.modules() if isinstance(layer, torch.nn.Conv2d)][-1]
                last.weight.mul_(0.8 / spread)
                last.bias.zero_()
    return model


def ssdlite() -> Any:
    return models.ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=CLASSES_OF_RANDOM + 1)


def ssd300() -> Any:
    return models.ssd300_vgg16(weights=None, weights_backbone=None, num_classes=CLASSES_OF_RANDOM + 1)


def retinanet() -> Any:
    return models.retinanet_resnet50_fpn(
        weights=None, weights_backbone=None, num_classes=CLASSES_OF_RANDOM, min_size=192, max_size=192
    )


@pytest.mark.parametrize(("build", "size"), [(ssdlite, (320, 320)), (ssd300, (300, 300)), (retinanet, (192, 192))])
def test_each_anchors_box_and_scores_are_those_that_torchvision_decodes(
    tmp_path: Path, build: Callable[[], Any], size: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    model = randomised(build(), size)
    raw = ExportOptions(postprocess=PostprocessOptions(in_graph=False))
    (bundle,) = edgeproof.torch.export(model, size, tmp_path, options=raw)
    pixels = np.random.default_rng(4).integers(0, 256, (*size, 3)).astype(np.uint8)
    boxes, scores = torchvisions_own(model, pixels)
    ours = load_detector(bundle.path, import_runtime("ai-edge-litert"), 1)
    ours.detect(np.ascontiguousarray(pixels[:, :, ::-1]))
    encodings, found_scores = ours.raw_outputs()
    contract, anchors = heads_of(bundle.manifest), np.load(bundle.path / "anchors.npy")
    found = decoded(encodings[0], anchors, contract.box_scales)
    scale = np.array([*size, *size], np.float32)
    # torchvision works in pixels of up to the picture's size.
    np.testing.assert_allclose(found * scale, boxes[:, [1, 0, 3, 2]], atol=2e-2, rtol=1e-4)
    np.testing.assert_allclose(found_scores[0][:, 1:], scores, atol=1e-5)


def torchvisions_own(model: Any, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of all anchors as x1, y1, x2, y2 in pixels, and scores of the classes, by its own transform and coder."""
    with torch.no_grad():
        images, _ = model.transform([torch.from_numpy(pixels).permute(2, 0, 1).float() / 255])
        features = model.backbone(images.tensors)
        features = [features] if isinstance(features, torch.Tensor) else list(features.values())
        heads, (anchors,) = model.head(features), model.anchor_generator(images, features)
        boxes = model.box_coder.decode_single(heads["bbox_regression"][0], anchors).numpy()
        logits = heads["cls_logits"][0]
    if isinstance(model, models.ssd.SSD):
        return boxes, logits.softmax(-1)[:, 1:].numpy()
    return boxes, logits.sigmoid().numpy()


def decoded(encodings: np.ndarray, anchors: np.ndarray, scales: Any) -> np.ndarray:
    middle = encodings[:, :2] / np.array([scales.y, scales.x]) * anchors[:, 2:] + anchors[:, :2]
    half = np.exp(encodings[:, 2:] / np.array([scales.height, scales.width])) * anchors[:, 2:] / 2
    return np.concatenate([middle - half, middle + half], axis=1)


@pytest.fixture(scope="module")
def trained() -> Any:
    model = small_detector()
    train(model, STEPS)
    return model


@pytest.fixture(scope="module")
def variants(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    import cv2

    folder = tmp_path_factory.mktemp("trained")
    (folder / "pictures").mkdir()
    for index in range(60):
        pixels, _, _ = picture(31, index)
        cv2.imwrite(str(folder / "pictures" / f"{index:02d}.png"), pixels[:, :, ::-1])
    (folder / "labels.txt").write_text("\n".join(CATEGORIES) + "\n")
    regular = replace(read_detector(trained, None).postprocess, use_regular_nms=True)
    bundles = edgeproof.torch.export(
        trained,
        out=folder / "bundles",
        variants=["float32", "float16", "dynamic", "int8", "int16x8"],
        images=folder / "pictures",
        labels=folder / "labels.txt",
        options=ExportOptions(postprocess=regular),
    )
    return {bundle.manifest.variant: bundle for bundle in bundles}


def test_final_detections_of_float32_are_pytorchs(trained: Any, variants: dict[str, Bundle]) -> None:
    ours = load_detector(variants["float32"].path, import_runtime("ai-edge-litert"), 1)
    compared = 0
    for index in range(20):
        pixels, _, _ = picture(99, index)
        theirs = pytorchs(trained, pixels)
        found = ours.detect(np.ascontiguousarray(pixels[:, :, ::-1]))
        corners = np.clip(found.boxes, 0, 1)[:, [1, 0, 3, 2]] * SIDE
        for box, label, score in zip(*theirs, strict=True):
            if score < 0.05:
                continue
            away = np.abs(corners - box).max(axis=1) + np.abs(found.scores - score) + (found.classes != label - 1)
            assert away.min() < 0.05
            compared += 1
    assert compared > 20


def pytorchs(model: Any, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with torch.no_grad():
        (found,) = model([torch.from_numpy(pixels).permute(2, 0, 1).float() / 255])
    return found["boxes"].numpy(), found["labels"].numpy(), found["scores"].numpy()


def test_every_variants_map_is_near_pytorchs(trained: Any, variants: dict[str, Bundle]) -> None:
    drawn = [picture(99, index) for index in range(VALIDATION)]
    expected = mean_average_precision(drawn, [pytorchs(trained, pixels) for pixels, _, _ in drawn])
    found = {}
    for variant, bundle in variants.items():
        detector = load_detector(bundle.path, import_runtime("ai-edge-litert"), 2)
        results = []
        for pixels, _, _ in drawn:
            seen = detector.detect(np.ascontiguousarray(pixels[:, :, ::-1]))
            corners = np.clip(seen.boxes, 0, 1)[:, [1, 0, 3, 2]] * SIDE
            results.append((corners, seen.classes + 1, seen.scores))
        found[variant] = mean_average_precision(drawn, results)
    shown = ", ".join(f"{variant} {value:.4f}" for variant, value in found.items())
    sys.stdout.write(f"\nmAP on {VALIDATION} pictures: PyTorch {expected:.4f}, {shown}\n")
    assert expected > 0.2
    for variant, tolerance in TOLERANCES.items():
        assert abs(found[variant] - expected) < tolerance, variant


def mean_average_precision(drawn: Any, results: Any) -> float:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def sized(corners: np.ndarray) -> list[float]:
        x1, y1, x2, y2 = (float(value) for value in corners)
        return [x1, y1, x2 - x1, y2 - y1]

    truth = COCO()
    truth.dataset = {
        "images": [{"id": index, "width": SIDE, "height": SIDE} for index in range(len(drawn))],
        "categories": [{"id": index + 1, "name": name} for index, name in enumerate(CATEGORIES)],
        "annotations": [
            {"image_id": index, "category_id": int(label), "bbox": sized(box), "area": sized(box)[2] * sized(box)[3]}
            for index, (_, boxes, labels) in enumerate(drawn)
            for box, label in zip(boxes, labels, strict=True)
        ],
    }
    for number, annotation in enumerate(truth.dataset["annotations"]):
        annotation |= {"id": number + 1, "iscrowd": 0}
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        found = truth.loadRes(
            [
                {"image_id": index, "category_id": int(label), "bbox": sized(box), "score": float(score)}
                for index, result in enumerate(results)
                for box, label, score in zip(*result, strict=True)
            ]
        )
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


def test_the_module_that_was_given_stays_as_it_is(tmp_path: Path) -> None:
    model = small_detector().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    (first,) = edgeproof.torch.export(model, None, tmp_path / "first")
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    (second,) = edgeproof.torch.export(model, None, tmp_path / "second")
    assert first.digest == second.digest
    contract = first.manifest.input
    assert (contract.height, contract.width) == (SIDE, SIDE)
    assert (contract.mean, contract.std) == ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5))
    assert first.manifest.provenance["source"]["kind"] == "torchvision"


def test_what_cannot_be_exported_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotAnSsdError, match=r"Linear is no detector that edgeproof reads: give an SSD or a RetinaNet"):
        edgeproof.torch.export(torch.nn.Linear(1, 1), 320, tmp_path)
    with pytest.raises(UsageError, match=r"the SSD takes 320 x 320: its anchors are for that size"):
        edgeproof.torch.export(small_detector(), 300, tmp_path)
    with pytest.raises(UsageError, match=r"a RetinaNet takes any size: say one"):
        edgeproof.torch.export(retinanet(), None, tmp_path)
    with pytest.raises(UsageError, match=r"multiples of 32"):
        edgeproof.torch.export(retinanet(), 300, tmp_path)
    said = ExportOptions(source=SourceOptions(input_range=InputRange.BYTES))
    with pytest.raises(UsageError, match=r"--input-range cannot be said of it: it says it itself"):
        edgeproof.torch.export(small_detector(), None, tmp_path, options=said)
