"""Reads detections back from report.json."""

from edgeproof.record.boxes import PixelBox
from edgeproof.record.pictures import Detection
from edgeproof_agent.wire.fields import Fields

_MAX_DETECTIONS = 100_000
_MAX_TEXT = 100_000


def read_detections(fields: Fields, name: str = "detections") -> tuple[Detection, ...]:
    """Those of a field; none when it is absent. Raises `FieldError`."""
    found = fields.objects(name, _MAX_DETECTIONS) if name in fields else []
    return tuple(
        Detection(
            item.text("label", max_length=_MAX_TEXT),
            item.integer("class_index", low=-(2**31)),
            item.number("score"),
            PixelBox(*item.numbers("bbox", 4)),
        )
        for item in found
    )
