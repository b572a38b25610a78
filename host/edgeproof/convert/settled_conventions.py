"""What an export takes a source's conventions for: said before read, before measured, before usual."""

from dataclasses import dataclass
from typing import Any

from edgeproof.convert.calibration.representative import RepresentativeSet
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.smoke_test import trial_pictures
from edgeproof.convert.witness.conclusion import Conclusion, Origin, conclude, unmeasured
from edgeproof.convert.witness.witness import Findings, contracts_like, examine
from edgeproof.errors import ConventionError
from edgeproof.ssd.model import Predictions, SsdModel
from edgeproof.ssd.source_options import INPUT_FIELDS
from edgeproof.ssd.sources import RecognisedSource
from edgeproof.wording.counting import counted
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener


@dataclass(frozen=True)
class Question:
    """What is exported, and what can be measured with."""

    source: RecognisedSource
    name: str
    options: ExportOptions
    pictures: RepresentativeSet | None
    progress: ProgressListener

    def tell(self, words: str, kind: ProgressKind = ProgressKind.NOTE) -> None:
        self.progress(Progress(f"{self.source.path.name}: {words}", kind))


def settle_conventions(model: SsdModel, question: Question) -> tuple[SsdModel, dict[str, Any]]:
    """The model, read anew where the pictures tell what nobody said; and what was found, for the bundle.

    Raises ConventionError when the pictures contradict what was said or read.
    """
    predictions, options = model.predictions, question.options.source
    if predictions is None:
        return model, {"read": True}
    if question.pictures is None:
        conclusion = unmeasured(predictions, options)
        if Origin.ASSUMED in (conclusion.boxes, conclusion.inputs):
            _warn(model, predictions, conclusion, question, "give pictures with --images, and it is measured")
        return model, {"measured": False, "why": "no pictures", **conclusion.record()}
    question.progress(Progress("measuring what its boxes mean"))
    pictures = trial_pictures(question.pictures, model.input.height, model.input.width)
    findings = examine(model, predictions, pictures, other_inputs=not set(INPUT_FIELDS) <= predictions.told)
    conclusion = conclude(findings, predictions, options)
    if conclusion.contradiction is not None:
        _contradicted(conclusion.contradiction, question)
        return model, {**findings.record(), **conclusion.record()}
    if conclusion.taken is not None:
        question.tell(f"taken as measured on {counted(findings.pictures, 'picture')}: {conclusion.taken}")
        model = question.source.read(question.options.labels, question.name, conclusion.options)
    elif findings.undecided is None:
        words = f"its boxes were measured on {counted(findings.pictures, 'picture')}: {findings.boxes.best.options}"
        question.tell(f"{words} (margin {findings.boxes.margin:.2f})")
    _tell_assumed(model, predictions, findings, conclusion, question)
    return model, {**findings.record(), **conclusion.record()}


def _contradicted(contradiction: str, question: Question) -> None:
    if not question.options.trust_me:
        raise ConventionError(
            f"{question.source.path}: {contradiction}. Nothing was written. Say it with those options, look at both "
            "with edgeproof identify, or go on as it is with --trust-me."
        )
    question.tell(f"{contradiction}; gone on with --trust-me", ProgressKind.WARNING)


def _tell_assumed(
    model: SsdModel, predictions: Predictions, findings: Findings, conclusion: Conclusion, question: Question
) -> None:
    """The usual is a warning; where all was said or read, that the pictures could not confirm it is a note."""
    if Origin.ASSUMED in (conclusion.boxes, conclusion.inputs):
        boxes, inputs = findings.undecided, findings.undecided_input
        why = boxes if conclusion.boxes is Origin.ASSUMED and boxes else inputs
        _warn(model, predictions, conclusion, question, f"it could not be measured: {why}")
    elif findings.undecided is not None:
        question.tell(f"what its boxes mean is not measured: {findings.undecided}")


def _warn(model: SsdModel, predictions: Predictions, conclusion: Conclusion, question: Question, why: str) -> None:
    taken = []
    if conclusion.boxes is Origin.ASSUMED:
        taken.append(predictions.reading.options())
    if conclusion.inputs is Origin.ASSUMED:
        taken.append(contracts_like(model.input)[0][0])
    question.tell(f"taken for granted, as is usual: {' '.join(taken)}; {why}", ProgressKind.WARNING)
