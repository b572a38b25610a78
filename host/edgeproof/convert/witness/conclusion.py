"""What follows from the pictures: what was said stands or is contradicted, what nobody said is taken as measured."""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from edgeproof.convert.witness.ranking import Ranked, Ranking
from edgeproof.convert.witness.witness import Findings
from edgeproof.ssd.box_reading import Reading
from edgeproof.ssd.model import Predictions
from edgeproof.ssd.source_options import BOX_FIELDS, INPUT_FIELDS, SourceOptions
from edgeproof.wording.counting import counted
from edgeproof_agent.bundle.manifest import InputContract

_Meaning = TypeVar("_Meaning")


class Origin(enum.Enum):
    """Where a convention comes from; in this order each goes before the next."""

    SAID = "said"
    READ = "read"
    """In the source itself, or in the file of its anchors."""
    MEASURED = "measured"
    ASSUMED = "assumed"
    """What is usual."""


@dataclass(frozen=True)
class Conclusion:
    options: SourceOptions
    """What was said, and what was measured of what nobody said."""
    contradiction: str | None
    """What was measured against what was said or read, with the options that go with the measurement."""
    boxes: Origin
    inputs: Origin
    taken: str | None
    """The options that were taken as measured where the usual was wrong, with the margin; None when none were."""

    def record(self) -> dict[str, Any]:
        return {
            "origin": {"boxes": self.boxes.value, "input": self.inputs.value},
            "contradiction": self.contradiction,
            "taken": self.taken,
        }


@dataclass(frozen=True)
class _Judgement:
    origin: Origin
    fields: Mapping[str, Any]
    """To be taken as measured."""
    contradiction: str | None = None
    taken: str | None = None


def conclude(findings: Findings, predictions: Predictions, options: SourceOptions) -> Conclusion:
    """`options` are what was said of the source, and what `predictions` were read with."""
    said = said_fields(options)
    boxes = _judge(findings, findings.boxes, said, predictions.told, BOX_FIELDS, _box_fields)
    inputs = _judge(findings, findings.inputs, said, predictions.told, INPUT_FIELDS, _input_fields)
    contradictions = [item.contradiction for item in (boxes, inputs) if item.contradiction]
    taken = [item.taken for item in (boxes, inputs) if item.taken]
    fields = {**boxes.fields, **inputs.fields}
    found = findings.background
    if found is not None and findings.unsound is None:
        if not found.fields or any(getattr(options, name) is not None for name in ("background", "background_last")):
            contradictions.append(found.words)
        else:
            fields.update(found.fields)
            taken.append(found.words)
    elif found is not None:
        contradictions.append(found.words)
    return Conclusion(
        replace(options, **fields),
        contradictions[0] if contradictions else None,
        boxes.origin,
        inputs.origin,
        "; ".join(taken) or None,
    )


def unmeasured(predictions: Predictions, options: SourceOptions) -> Conclusion:
    """Without pictures."""
    said = said_fields(options)
    boxes, inputs = (_origin(said, predictions.told, names) for names in (BOX_FIELDS, INPUT_FIELDS))
    return Conclusion(options, None, boxes, inputs, None)


def said_fields(options: SourceOptions) -> set[str]:
    """Names of those that are given, with mean and std where the input's range says them."""
    given = {name for name in (*BOX_FIELDS, *INPUT_FIELDS) if getattr(options, name) is not None}
    if options.input_range is not None or options.normalisation is not None:
        given |= {"mean", "std"}
    return given


def _judge(
    findings: Findings,
    ranking: Ranking[_Meaning],
    said: set[str],
    told: frozenset[str],
    names: tuple[str, ...],
    fields_of: Callable[[_Meaning], Mapping[str, Any]],
) -> _Judgement:
    usual = _origin(said, told, names)
    if findings.unsound is not None:
        return _Judgement(usual, {})
    used = fields_of(ranking.said.meaning)
    fixed = {name: used[name] for name in names if name in said | told and name in used}

    def fits(item: Ranked[_Meaning]) -> bool:
        fields = fields_of(item.meaning)
        return all(fields[name] == value for name, value in fixed.items() if name in fields)

    left = [item for item in ranking.left if fits(item)]
    if len(left) == 1 and usual is Origin.ASSUMED and len(ranking.items) > 1:
        if left[0].said:
            return _Judgement(Origin.MEASURED, {})
        words = f"{left[0].options} (margin {ranking.margin:.2f})"
        return _Judgement(Origin.MEASURED, fields_of(left[0].meaning), None, words)
    if any(item.said for item in left):
        return _Judgement(usual, {})
    pictures = counted(ranking.pictures, "picture")
    many = "" if len(ranking.left) == 1 else f", the best of the {len(ranking.left)} that the pictures leave"
    return _Judgement(
        usual,
        {},
        f"its {ranking.what} {'are' if ranking.what.endswith('s') else 'is'} contradicted by {pictures}: support "
        f"{ranking.best.support:.2f} for {ranking.best.options}{many}, {ranking.said.support:.2f} for what was said or "
        f"assumed ({ranking.said.options})",
    )


def _origin(said: set[str], told: frozenset[str], names: tuple[str, ...]) -> Origin:
    """Said or read when every one of the fields is; what is left over makes it assumed."""
    needed = set(names) - {"input_range"}
    if needed <= said:
        return Origin.SAID
    return Origin.READ if needed <= said | told else Origin.ASSUMED


def _box_fields(reading: Reading) -> Mapping[str, Any]:
    return reading.fields()


def _input_fields(contract: InputContract) -> Mapping[str, Any]:
    """The range goes as mean and std."""
    return {"colour_order": contract.colour_order, "mean": contract.mean, "std": contract.std, "input_range": None}
