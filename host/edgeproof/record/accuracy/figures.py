"""How accurate a detector is on a labelled data set: COCO's metrics, kinds of error, and what references reach."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edgeproof.record.accuracy.samples import AccuracySamples

AREAS = ("all", "small", "medium", "large")
"""Ranges of an object's area: below 32 x 32 pixels, below 96 x 96, and above (https://cocodataset.org/#detection-eval)."""
MAX_DETECTIONS = (1, 10, 100)
"""Detections of a picture and class that recall is told for."""


@dataclass(frozen=True)
class Estimate:
    """A figure with the interval that it lies in at the stated confidence; no interval where there are too few
    pictures."""

    value: float
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class DataSetFacts:
    """What a report says of a data set."""

    name: str
    kind: str
    """`COCO`, `VOC` or `YOLO`."""
    sha256: str
    """Of its labels, and of the names and sizes of its pictures' files."""
    pictures: int
    objects: int
    """Labelled ones of the classes that were evaluated, crowds and difficult ones not counted."""
    left_out: tuple[str, ...] = ()
    """Classes of the data set that the model does not know, and that were left out as it was asked for."""


@dataclass(frozen=True)
class ClassAccuracy:
    label: str
    """Of the data set."""
    category_id: int
    """Of the data set."""
    objects: int
    map: Estimate
    """Mean over IoU .50 to .95."""
    map50: float


@dataclass(frozen=True)
class ErrorKinds:
    """What mending each kind of error alone would add to mAP at IoU .50, in 0..1 (TIDE, Bolya et al. 2020,
    https://arxiv.org/abs/2008.08115)."""

    classification: float
    """Right place, wrong class."""
    localization: float
    """Right class, IoU from .1 to .5."""
    both: float
    """Wrong class and place."""
    duplicate: float
    """An object that a better detection has found already."""
    background: float
    """Nothing is there."""
    missed: float
    """Objects that no detection comes near to."""
    false_positive: float
    """All wrong detections together."""
    false_negative: float
    """All objects together that were not found."""


@dataclass(frozen=True)
class AgainstReference:
    """The same pictures through a bundle on the machine that ran edgeproof."""

    variant: str
    digest: str
    """Of the bundle."""
    runtime: str
    """Its name and version."""
    map: Estimate
    drop: Estimate
    """mAP of the reference less that of the board, by the same pictures: above 0 the board is worse."""


@dataclass(frozen=True)
class Accuracy:
    """Of one run."""

    data_set: DataSetFacts
    evaluator: str
    """What worked the metrics out, and its version."""
    confidence: float
    """Of each interval, in 0..1."""
    resamples: int
    """Bootstrap samples of the pictures that the intervals rest on."""
    map: Estimate
    """Mean average precision over IoU .50 to .95 in steps of .05 and all classes that have objects."""
    map50: Estimate
    map75: Estimate
    areas: Mapping[str, float]
    """mAP of small, medium and large objects; one without objects is absent."""
    recall: Mapping[int, float]
    """Mean recall over IoU .50 to .95 at so many detections of a picture and class."""
    classes: tuple[ClassAccuracy, ...]
    """Those that have objects."""
    errors: ErrorKinds
    against: tuple[AgainstReference, ...] = ()
    failed: int = 0
    """Pictures without an answer. They count as pictures on which nothing was found."""
    samples: AccuracySamples | None = None
    """All boxes that the figures follow from; None where they are not kept."""

    def reference(self, variant: str) -> AgainstReference | None:
        """The one of a variant; of the run's own variant the very bundle."""
        return next((one for one in self.against if one.variant == variant), None)

    def to_json(self) -> dict[str, Any]:
        """Without the samples, which the writer puts beside the report."""
        facts = asdict(self.data_set)
        facts["left_out"] = list(self.data_set.left_out)
        return {
            "data_set": {name: value for name, value in facts.items() if value != []},
            "evaluator": self.evaluator,
            "confidence": self.confidence,
            "resamples": self.resamples,
            "map": self.map.to_json(),
            "map50": self.map50.to_json(),
            "map75": self.map75.to_json(),
            "areas": dict(self.areas),
            "recall": {str(most): value for most, value in self.recall.items()},
            "classes": [
                {
                    "label": one.label,
                    "category_id": one.category_id,
                    "objects": one.objects,
                    "map": one.map.to_json(),
                    "map50": one.map50,
                }
                for one in self.classes
            ],
            "errors": asdict(self.errors),
            "against": [
                {
                    "variant": one.variant,
                    "digest": one.digest,
                    "runtime": one.runtime,
                    "map": one.map.to_json(),
                    "drop": one.drop.to_json(),
                }
                for one in self.against
            ],
            "failed": self.failed,
        }
