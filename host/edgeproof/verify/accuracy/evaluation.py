"""From labelled and found boxes to what a report says of accuracy: metrics, intervals, kinds of error, references."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeproof.record.accuracy.figures import (
    AREAS,
    MAX_DETECTIONS,
    Accuracy,
    AgainstReference,
    ClassAccuracy,
    DataSetFacts,
    Estimate,
)
from edgeproof.record.accuracy.precision_recall import PrecisionRecall
from edgeproof.record.accuracy.samples import AccuracySamples, FoundObjects
from edgeproof.verify.accuracy.average_precision import RECALLS, Metrics, mean_of, ranked
from edgeproof.verify.accuracy.error_kinds import error_kinds
from edgeproof.verify.accuracy.evaluators import OWN, Evaluator
from edgeproof.verify.accuracy.intervals import CONFIDENCE, interval
from edgeproof.verify.accuracy.matching import IOUS
from edgeproof.verify.accuracy.resampling import RESAMPLES, Counts, Resampled, draws, resampled

_ALL = "all classes"
_IOU_50, _IOU_75 = 0, 5


@dataclass(frozen=True)
class ReferenceFacts:
    """What a reference is; what it found is among the samples."""

    variant: str
    digest: str
    runtime: str


@dataclass(frozen=True)
class Evaluated:
    accuracy: Accuracy
    curves: tuple[PrecisionRecall, ...]
    """At IoU .50: all classes together, then each."""


@dataclass(frozen=True, eq=False)
class _Side:
    found: FoundObjects
    metrics: Metrics
    resampled: Resampled

    @property
    def map(self) -> float:
        return mean_of(self.metrics.precision[0]) or 0.0


def evaluate_accuracy(
    samples: AccuracySamples,
    labels: Sequence[str],
    data_set: DataSetFacts,
    references: Sequence[ReferenceFacts] = (),
    failed: int = 0,
    evaluator: Evaluator = OWN,
    resamples: int = RESAMPLES,
) -> Evaluated:
    """`labels` are those of `samples.category_ids`. Raises `ValueError` when no object counts."""
    if not np.count_nonzero(~samples.truth.crowd):
        raise ValueError("there is no labelled object")
    times = draws(len(samples.image_ids), resamples)
    board = _side(samples, samples.board, evaluator, times)
    sides = [
        board if _same(side, samples.board) else _side(samples, side, evaluator, times) for side in samples.references
    ]
    accuracy = Accuracy(
        data_set=data_set,
        evaluator=evaluator.name,
        confidence=CONFIDENCE,
        resamples=resamples,
        map=_map(board, times),
        map50=_map(board, times, _IOU_50),
        map75=_map(board, times, _IOU_75),
        areas=_known({area: mean_of(board.metrics.precision[place]) for place, area in enumerate(AREAS) if place}),
        recall=_known({most: mean_of(board.metrics.recall[0, place]) for place, most in enumerate(MAX_DETECTIONS)}),
        classes=tuple(_classes(samples, labels, board, times)),
        errors=error_kinds(samples.truth, samples.board, len(labels), len(samples.image_ids)),
        against=tuple(_against(facts, side, board, times) for facts, side in zip(references, sides, strict=True)),
        failed=failed,
        samples=samples,
    )
    return Evaluated(accuracy, tuple(_curves(labels, board.metrics)))


def _same(one: FoundObjects, other: FoundObjects) -> bool:
    """Mostly the very bundle finds the very same here: that needs no second evaluation."""
    return len(one) == len(other) and one.rows().tobytes() == other.rows().tobytes()


def _side(samples: AccuracySamples, found: FoundObjects, evaluator: Evaluator, times: Counts) -> _Side:
    classes = len(samples.category_ids)
    return _Side(
        found, evaluator.metrics(samples.truth, found, classes), resampled(ranked(samples.truth, found, classes), times)
    )


def _map(side: _Side, times: Counts, iou: int | None = None) -> Estimate:
    precision = side.metrics.precision[0]
    value = mean_of(precision if iou is None else precision[:, iou]) or 0.0
    return interval(value, side.resampled.map(iou), times.shape[1])


def _against(facts: ReferenceFacts, side: _Side, board: _Side, times: Counts) -> AgainstReference:
    drop = interval(
        side.map - board.map,
        side.resampled.map() - board.resampled.map(),
        times.shape[1],
        low=-1.0,
        differing=side.found.differing_pictures(board.found),
    )
    return AgainstReference(facts.variant, facts.digest, facts.runtime, _map(side, times), drop)


def _classes(samples: AccuracySamples, labels: Sequence[str], board: _Side, times: Counts) -> list[ClassAccuracy]:
    found = []
    for number, label in enumerate(labels):
        value, at_50 = (
            mean_of(part) for part in (board.metrics.precision[0, number], board.metrics.precision[0, number, 0])
        )
        if value is None or at_50 is None:
            continue
        objects = int(np.count_nonzero((samples.truth.classes == number) & ~samples.truth.crowd))
        estimate = interval(value, board.resampled.of_class(number), times.shape[1])
        found.append(ClassAccuracy(label, samples.category_ids[number], objects, estimate, at_50))
    return found


def _curves(labels: Sequence[str], metrics: Metrics) -> list[PrecisionRecall]:
    of_classes = {
        label: values
        for label, values in zip(labels, metrics.precision[0, :, _IOU_50], strict=True)
        if not np.isnan(values).any()
    }
    mean = np.mean(list(of_classes.values()), axis=0)
    return [
        PrecisionRecall(label, float(IOUS[_IOU_50]), tuple(RECALLS.tolist()), tuple(values.tolist()))
        for label, values in {_ALL: mean, **of_classes}.items()
    ]


def _known(values: dict[str, float | None] | dict[int, float | None]) -> dict[Any, float]:
    return {name: value for name, value in values.items() if value is not None}
