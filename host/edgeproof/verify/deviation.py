"""How far a converted model's detections are from those of the source's own heads in TensorFlow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgeproof.record.detections import Detections
from edgeproof.verify.matching import counterparts
from edgeproof.wording.counting import counted

COUNTED_SCORE = 0.5
"""Detections from here on are compared; what is weaker is not what a detector tells."""
_SAME_SCORE = 0.25
"""A counterpart may have sunk below the counted score, not out of sight."""


@dataclass(frozen=True)
class Deviation:
    """Over some pictures, detections of at least `COUNTED_SCORE`; a counterpart has the same class and IoU of 0.5."""

    pictures: int
    expected: int
    """Detections of the source."""
    lost: int
    """Those of them without a counterpart."""
    extra: int
    """The converted model's without a counterpart."""
    max_score_delta: float
    """Of the matched ones; where the source finds nothing, of the best scores."""
    min_iou: float | None
    """Of the matched ones; None when there are none."""

    @property
    def matched(self) -> int:
        return self.expected - self.lost

    def exceeds(self, score_delta: float, iou: float) -> bool:
        """Whether detections come or go, or change by more than this."""
        moved = self.min_iou is not None and self.min_iou < iou
        return bool(self.lost or self.extra or moved or self.max_score_delta > score_delta)

    def __str__(self) -> str:
        pictures = counted(self.pictures, "picture")
        if not self.expected and not self.extra:
            return f"nothing found on {pictures}, as in the source; best scores within {self.max_score_delta:.2g}"
        words = [f"{self.matched} of {counted(self.expected, 'detection')} of the source on {pictures}"]
        if self.extra:
            words.append(f"{self.extra} that the source has not")
        if self.min_iou is not None:
            words.append(f"scores within {self.max_score_delta:.2g}, IoU at least {self.min_iou:.4f}")
        return ", ".join(words)


def measure_deviation(pairs: Sequence[tuple[Detections, Detections]]) -> Deviation:
    """Compares (source, converted) picture by picture."""
    expected = lost = extra = 0
    deltas: list[float] = []
    overlaps: list[float] = []
    for source, converted in pairs:
        matches = list(_match(source, converted.above(_SAME_SCORE)))
        expected += len(source.above(COUNTED_SCORE))
        lost += sum(1 for _, overlap in matches if overlap is None)
        deltas += [delta for delta, overlap in matches if overlap is not None]
        overlaps += [overlap for _, overlap in matches if overlap is not None]
        extra += sum(1 for _, overlap in _match(converted, source.above(_SAME_SCORE)) if overlap is None)
    if not overlaps:
        deltas = [abs(_best(source) - _best(converted)) for source, converted in pairs]
    return Deviation(len(pairs), expected, lost, extra, max(deltas, default=0.0), min(overlaps, default=None))


def _match(found: Detections, others: Detections) -> Iterator[tuple[float, float | None]]:
    """For each counted one of `found`: score difference to its counterpart and their IoU, None without one."""
    counted = found.above(COUNTED_SCORE)
    for score, counterpart in zip(counted.scores, counterparts(counted, others), strict=True):
        if counterpart is None:
            yield 0.0, None
        else:
            yield abs(float(score) - float(others.scores[counterpart[0]])), counterpart[1]


def _best(detections: Detections) -> float:
    return float(detections.scores.max(initial=0.0))
