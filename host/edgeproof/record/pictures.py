"""Pictures in a report, with what was found on them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.record.boxes import PixelBox, pixel_box
from edgeproof.record.detections import PictureResult


@dataclass(frozen=True)
class Detection:
    label: str
    class_index: int
    """0-based without background."""
    score: float
    """In 0..1."""
    box: PixelBox


@dataclass(frozen=True)
class Picture:
    """One picture of a run: what was found on it, or the reason why nothing can be said."""

    name: str
    width: int
    """Pixels; 0 when the picture could not be decoded, as is the height then."""
    height: int
    detections: tuple[Detection, ...] = ()
    """Best score first."""
    error: str | None = None
    stages_ns: Mapping[str, int] = field(default_factory=dict)
    annotated: Path | None = None
    """The file of the picture with its detections drawn; report.html shows it."""

    @classmethod
    def of(
        cls,
        result: PictureResult,
        labels: Sequence[str],
        label_offset: int,
        min_score: float,
        annotated: Path | None = None,
    ) -> "Picture":
        """What a board said of one picture, with its detections of at least `min_score`.

        `labels` are the lines of the bundle's labels.txt; a class beyond them is called `class N`.
        """
        found = result.detections
        if found is None:
            error = result.error or "the board gave no detections"
            return cls(result.name, result.width, result.height, (), error, result.stages_ns)
        if not (np.isfinite(found.boxes).all() and np.isfinite(found.scores).all()):
            error = "the model gave boxes or scores that are not numbers"
            return cls(result.name, result.width, result.height, (), error, result.stages_ns)
        kept = found.above(min_score)
        detections = [
            Detection(
                _label(labels, int(class_index) + label_offset, int(class_index)),
                int(class_index),
                round(float(score), 6),
                pixel_box(box, result.width, result.height),
            )
            for box, class_index, score in zip(kept.boxes, kept.classes, kept.scores, strict=True)
        ]
        detections.sort(key=lambda detection: -detection.score)
        return cls(
            result.name, result.width, result.height, tuple(detections), result.error, result.stages_ns, annotated
        )

    def to_json(self, folder: Path) -> dict[str, Any]:
        """`folder` is the report's: files are named from there."""
        data: dict[str, Any] = {"file_name": self.name, "width": self.width, "height": self.height}
        data |= {"detections": detections_json(self.detections)} if self.error is None else {"error": self.error}
        if self.annotated is not None:
            data["annotated"] = os.path.relpath(self.annotated, folder)
        if self.stages_ns:
            data["stages_ms"] = {stage: ns / 1e6 for stage, ns in self.stages_ns.items()}
        return data


def detections_json(detections: Sequence[Detection]) -> list[dict[str, Any]]:
    return [
        {"label": item.label, "class_index": item.class_index, "score": item.score, "bbox": item.box.to_list()}
        for item in detections
    ]


def _label(labels: Sequence[str], line: int, class_index: int) -> str:
    return labels[line] if 0 <= line < len(labels) else f"class {class_index}"
