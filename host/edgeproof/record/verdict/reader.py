"""Reads what a verdict rests on back from report.json: gates with their answers, parity, comparisons."""

import base64

from edgeproof.record.detections_reader import read_detections
from edgeproof.record.verdict.chain import ChainLink, ChainStep
from edgeproof.record.verdict.claims import Answer, Claim
from edgeproof.record.verdict.comparison import Comparison, StageRatio
from edgeproof.record.verdict.parity import BothSides, Parity, ParityStage, PictureParity
from edgeproof_agent.wire.fields import FieldError, Fields

_MAX_PICTURES = 1_000_000
_MAX_TEXT = 100_000
_MAX_JPEG_TEXT = 4 << 20


def read_claim(fields: Fields) -> Claim:
    """One gate with its answer. Raises `FieldError`."""
    return Claim(
        gate=fields.text("gate", max_length=_MAX_TEXT),
        answer=Answer(fields.choice("answer", [answer.value for answer in Answer])),
        limit=fields.number("limit"),
        unit=fields.text("unit"),
        value=_optional_number(fields, "value"),
        low=_optional_number(fields, "low"),
        high=_optional_number(fields, "high"),
        samples=fields.integer("samples") if "samples" in fields else None,
        note=_optional_text(fields, "note"),
    )


def read_parity(fields: Fields) -> Parity:
    """Raises `FieldError`."""
    return Parity(
        host_runtime=fields.text("host_runtime"),
        min_score=fields.number("min_score"),
        score_tolerance=fields.number("score_tolerance"),
        pictures=tuple(
            PictureParity(
                name=picture.text("file_name", max_length=_MAX_TEXT),
                parts_at=ParityStage(picture.choice("parts_at", [stage.value for stage in ParityStage]))
                if "parts_at" in picture
                else None,
                same=picture.integer("same"),
                differing=picture.integer("differing"),
                borderline=picture.integer("borderline"),
                output_delta=_optional_number(picture, "output_delta"),
                note=_optional_text(picture, "note"),
                sides=_sides(picture.nested("sides")) if "sides" in picture else None,
            )
            for picture in fields.objects("pictures", _MAX_PICTURES)
        ),
        chain=tuple(map(_link, fields.objects("chain", len(ChainStep)))) if "chain" in fields else (),
    )


def _sides(fields: Fields) -> BothSides:
    return BothSides(
        host=read_detections(fields, "host"),
        board=read_detections(fields, "board"),
        width=fields.integer("width"),
        height=fields.integer("height"),
        jpeg=_jpeg(fields) if "jpeg" in fields else None,
    )


def _jpeg(fields: Fields) -> bytes:
    """A JPEG by its first bytes: it goes into a page as one."""
    try:
        data = base64.b64decode(fields.text("jpeg", max_length=_MAX_JPEG_TEXT), validate=True)
    except ValueError:
        data = b""
    if not data.startswith(b"\xff\xd8\xff"):
        raise FieldError(f"{fields.path('jpeg')} must be a JPEG in base64")
    return data


def _link(fields: Fields) -> ChainLink:
    step = ChainStep(fields.choice("step", [step.value for step in ChainStep]))
    if "missing" in fields:
        return ChainLink(step, missing=fields.text("missing", max_length=_MAX_TEXT))
    return ChainLink(
        step,
        same=fields.integer("same"),
        differing=fields.integer("differing"),
        borderline=fields.integer("borderline"),
        same_pictures=fields.integer("same_pictures"),
    )


def read_comparison(fields: Fields) -> Comparison:
    """Raises `FieldError`."""
    stages = fields.nested("stages")
    return Comparison(
        a=fields.integer("a"),
        b=fields.integer("b"),
        pairs=fields.integer("pairs", low=1),
        block_runs=fields.integer("block_runs", low=1),
        stages={
            name: StageRatio(
                *(stages.nested(name).number(field) for field in ("ratio", "low", "high", "difference_ms"))
            )
            for name in fields.mapping("stages")
        },
        void=tuple(str(reason) for reason in fields.items("void", 1000)) if "void" in fields else (),
    )


def _optional_number(fields: Fields, name: str) -> float | None:
    return fields.number(name) if name in fields else None


def _optional_text(fields: Fields, name: str) -> str | None:
    return fields.text(name, max_length=_MAX_TEXT) if name in fields else None
