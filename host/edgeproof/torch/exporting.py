"""From a torchvision detector in memory to bundles."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.bundle import Bundle
from edgeproof.convert.export import export_recognised
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.provenance import distribution_version
from edgeproof.convert.variants import Variant
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.source_options import BOX_CONVENTIONS, INPUT_CONVENTIONS, AnchorFormat, ScoreConverter, SourceOptions
from edgeproof.ssd.sources import RecognisedSource, SourceKind
from edgeproof.torch.detector import TorchDetector, read_detector
from edgeproof.torch.heads import convert_heads, digest_of
from edgeproof.wording.progress import Progress, ProgressListener, silent

_SAYS_ITSELF = (
    *("boxes", "scores", "anchors", "anchor_format", "box_scales", "input_range", "score_converter"),
    *(*BOX_CONVENTIONS, *INPUT_CONVENTIONS),
)
_TOOLS = ("torch", "torchvision", "litert-torch")


def export(
    model: Any,
    size: int | tuple[int, int] | None = None,
    out: Path | str = "bundles",
    variants: Sequence[Variant | str] = ("float32",),
    *,
    images: Path | str | None = None,
    labels: Path | str | None = None,
    name: str | None = None,
    options: ExportOptions | None = None,
    progress: ProgressListener = silent,
) -> list[Bundle]:
    """Converts an SSD or RetinaNet of torchvision to a bundle a variant, in `out`/VARIANT.

    `size` is the height and width that pictures are stretched to, or one side of a square; an SSD has its own. Anchors,
    box scales, mean, std and, unless `options` say others, the suppression's thresholds are the module's. `images`
    calibrate int8 and int16x8. The module is not changed.

    Raises `UsageError`, `NotAnSsdError`, `ConversionError` or `BundleError`.

    Example: `edgeproof.torch.export(ssdlite320_mobilenet_v3_large(), out="bundles", labels="labels.txt")`
    """
    chosen = options or ExportOptions()
    chosen.source.require_none_said("the module", "it says it itself", *_SAYS_ITSELF)
    wanted = [Variant(item) for item in variants]
    detector = read_detector(model, size)
    progress(Progress(f"converting the {detector.kind} with litert-torch"))
    data = convert_heads(detector)
    with tempfile.TemporaryDirectory(prefix="edgeproof-") as scratch:
        path, anchors = Path(scratch) / f"{detector.kind.lower()}.tflite", Path(scratch) / "anchors.npy"
        path.write_bytes(data)
        np.save(anchors, detector.anchors)
        own = PostprocessOptions()
        stated = replace(
            chosen,
            labels=Path(labels) if labels is not None else chosen.labels,
            name=name or chosen.name,
            source=_said_by(detector, anchors),
            postprocess=detector.postprocess if chosen.postprocess == own else chosen.postprocess,
        )
        pictures = None if images is None else Path(images)
        return export_recognised(_source(detector, path), Path(out), wanted, pictures, stated, progress)


def _source(detector: TorchDetector, path: Path) -> RecognisedSource:
    kind = SourceKind("torchvision", f"a {detector.kind} of torchvision", lambda _: False, finished=True)
    tools = {name: distribution_version(name) or "unknown" for name in _TOOLS}
    return RecognisedSource(path, kind, digest_of(detector), tools)


def _said_by(detector: TorchDetector, anchors: Path) -> SourceOptions:
    return SourceOptions(
        anchors=str(anchors),
        anchor_format=AnchorFormat.CENTRE,
        box_scales=detector.box_scales,
        score_converter=ScoreConverter.IDENTITY,
        background=detector.softmax,
        mean=detector.mean,
        std=detector.std,
    )
