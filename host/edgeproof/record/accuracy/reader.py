"""Reads an accuracy back from report.json, with its samples where they are kept."""

from pathlib import Path

from edgeproof.record.accuracy.figures import (
    AREAS,
    MAX_DETECTIONS,
    Accuracy,
    AgainstReference,
    ClassAccuracy,
    DataSetFacts,
    ErrorKinds,
    Estimate,
)
from edgeproof.record.accuracy.samples import AccuracySamples, read_accuracy_samples
from edgeproof.record.inner_file import inner_file
from edgeproof_agent.wire.fields import FieldError, Fields

_MOST_CLASSES, _MOST_REFERENCES = 100_000, 16
_MAX_TEXT = 100_000
_MOST_RESAMPLES = 10_000


def read_accuracy(fields: Fields, folder: Path) -> Accuracy:
    """`folder` is the report's. Raises `FieldError`, OSError, `UnreadableError`."""
    accuracy = Accuracy(
        data_set=_data_set(fields.nested("data_set")),
        evaluator=fields.text("evaluator"),
        confidence=fields.number("confidence", low=0, high=1),
        resamples=fields.integer("resamples", low=2, high=_MOST_RESAMPLES),
        map=_estimate(fields, "map"),
        map50=_estimate(fields, "map50"),
        map75=_estimate(fields, "map75"),
        areas=_shares(fields, "areas", AREAS),
        recall={int(most): value for most, value in _shares(fields, "recall", tuple(map(str, MAX_DETECTIONS))).items()},
        classes=tuple(
            ClassAccuracy(
                one.text("label", max_length=_MAX_TEXT),
                one.integer("category_id"),
                one.integer("objects"),
                _estimate(one, "map"),
                one.number("map50", low=0, high=1),
            )
            for one in fields.objects("classes", _MOST_CLASSES)
        ),
        errors=ErrorKinds(*(fields.nested("errors").number(name) for name in ErrorKinds.__dataclass_fields__)),
        against=tuple(
            AgainstReference(
                one.text("variant"),
                one.text("digest"),
                one.text("runtime"),
                _estimate(one, "map"),
                _estimate(one, "drop", low=-1.0),
            )
            for one in fields.objects("against", _MOST_REFERENCES)
        ),
        failed=fields.integer("failed"),
        samples=_samples(fields.nested("samples"), folder) if "samples" in fields else None,
    )
    if accuracy.samples is not None and len(accuracy.samples.references) != len(accuracy.against):
        raise FieldError(f"{fields.path('samples')} must hold as many references as are told of")
    return accuracy


def _samples(told: Fields, folder: Path) -> AccuracySamples:
    return read_accuracy_samples(inner_file(told, "file", folder), told)


def _data_set(fields: Fields) -> DataSetFacts:
    return DataSetFacts(
        name=fields.text("name", max_length=_MAX_TEXT),
        kind=fields.text("kind"),
        sha256=fields.text("sha256", max_length=64),
        pictures=fields.integer("pictures"),
        objects=fields.integer("objects"),
        left_out=tuple(str(name) for name in fields.items("left_out", _MOST_CLASSES)) if "left_out" in fields else (),
    )


def _estimate(fields: Fields, name: str, low: float = 0.0) -> Estimate:
    estimate = fields.nested(name)
    return Estimate(
        estimate.number("value", low=low, high=1),
        *(estimate.number(bound, low=low, high=1) if bound in estimate else None for bound in ("low", "high")),
    )


def _shares(fields: Fields, name: str, known: tuple[str, ...]) -> dict[str, float]:
    shares = fields.nested(name)
    return {key: shares.number(key, low=0, high=1) for key in known if key in shares}
