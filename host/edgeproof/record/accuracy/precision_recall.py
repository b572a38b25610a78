"""Precision over recall of a run's detections on a labelled data set, as a curve."""

from dataclasses import dataclass
from typing import Any

from edgeproof_agent.wire.fields import FieldError, Fields

_MOST_POINTS = 10_000


@dataclass(frozen=True)
class PrecisionRecall:
    """Of one class, or of all together, at one IoU."""

    label: str
    """The class; `all classes` for the mean over them."""
    iou: float
    """From this overlap on a detection is right, 0..1."""
    recall: tuple[float, ...]
    """Rising, 0..1."""
    precision: tuple[float, ...]
    """At each recall, 0..1."""

    def to_json(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "iou": self.iou,
            "recall": list(self.recall),
            "precision": list(self.precision),
        }


def read_precision_recall(fields: Fields) -> PrecisionRecall:
    """Raises `FieldError`."""
    recall, precision = (_shares(fields, name) for name in ("recall", "precision"))
    if len(recall) != len(precision):
        raise FieldError(f"{fields.path('precision')} must have as many points as recall")
    return PrecisionRecall(fields.text("label", max_length=100_000), fields.number("iou"), recall, precision)


def _shares(fields: Fields, name: str) -> tuple[float, ...]:
    values = fields.items(name, _MOST_POINTS, min_items=1)
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise FieldError(f"{fields.path(name)} must be numbers from 0 to 1")
    return tuple(map(float, values))
