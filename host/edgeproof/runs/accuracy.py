"""Runs a labelled data set through a bundle on a board, and on references here, and evaluates what was found."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from edgeproof.board.agent.loading import LoadedBundle
from edgeproof.board.agent.session import AgentSession
from edgeproof.board.deploy import open_session, send_bundle
from edgeproof.board.store.agent_object import agent_object
from edgeproof.bundle import Bundle
from edgeproof.datasets.class_mapping import ClassMapping, map_classes
from edgeproof.datasets.labelled import LabelledDataSet
from edgeproof.errors import DataSetError, UsageError
from edgeproof.record.accuracy.figures import DataSetFacts
from edgeproof.record.accuracy.samples import AccuracySamples
from edgeproof.record.detections import PictureResult
from edgeproof.runs.arrived_results import ArrivedResults
from edgeproof.runs.boxes_of_results import found_objects, labelled_objects
from edgeproof.runs.picture_reading import read_pictures
from edgeproof.runs.pictures import PictureFile
from edgeproof.runs.plan import AccuracyPlan, Reference
from edgeproof.runs.reference import open_reference, reference_runtime
from edgeproof.runs.variant_beside import variant_beside
from edgeproof.verify.accuracy.evaluation import Evaluated, ReferenceFacts, evaluate_accuracy
from edgeproof.verify.accuracy.evaluators import best_evaluator
from edgeproof.wording.counting import counted
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener
from edgeproof_agent.bundle.manifest import Manifest
from edgeproof_agent.store.objects import Kind


def classes_of(
    data_set: LabelledDataSet, manifest: Manifest, labels: Sequence[str], renames: Mapping[str, str], common: bool
) -> ClassMapping:
    """Which class of a bundle is which of the data set: see `map_classes`. `labels` are the lines of labels.txt."""
    return map_classes(data_set.categories, labels[manifest.label_offset :], data_set.used, renames, common)


@contextlib.contextmanager
def with_references(
    plan: AccuracyPlan, bundle: Bundle, variants: Sequence[str], runtime: str, progress: ProgressListener
) -> Iterator[AccuracyPlan]:
    """The plan with `variants` of the bundle to run here, itself or what lies beside it, under the board's `runtime`.

    One that is not there is passed over, which `progress` is told. Raises `BoardError`.
    """
    if not variants:
        yield plan
        return
    with open_reference() as host:
        here = reference_runtime(host, runtime, progress)
        found = []
        for variant in dict.fromkeys(variants):
            beside = bundle if variant == bundle.manifest.variant else variant_beside(bundle, variant)
            if beside is not None:
                found.append(Reference(variant, send_bundle(host.store, beside, progress).digest))
            else:
                text = f"there is no {variant} bundle of this source beside {bundle.path}: nothing is held against it"
                progress(Progress(text, ProgressKind.NOTE))
        yield replace(plan, host=host, runtime=here, references=found)


def measure_accuracy(
    board: AgentSession,
    who: Sequence[object],
    digest: str,
    loaded: LoadedBundle,
    plan: AccuracyPlan,
    progress: ProgressListener,
) -> Evaluated:
    """`board` is a session with the bundle loaded, `who` what it is called and is.

    Raises `DataSetError` where classes do not go together, `BoardError` when a board fails; what had arrived is kept.
    """
    data_set = plan.data_set
    mapping = classes_of(data_set, loaded.manifest, loaded.labels, plan.renames, plan.common_classes)
    for line in (*data_set.notes, *mapping.lines()):
        progress(Progress(f"{data_set.name}: {line}", ProgressKind.NOTE))
    sha256 = data_set.digest  # of the pictures as they are now
    settled = [*who, board.runtime.name, board.runtime.version, digest, loaded.load.threads]
    there = _results(board, settled, plan, "board", progress)
    sides, facts = [there], []
    for reference in plan.references:
        if plan.host is None:
            break
        with open_session(plan.host, plan.runtime) as host:
            other = host.load(plan.host.store.path(Kind.BUNDLE, reference.digest))
            _require_same_labels(loaded, other)
            runtime = f"{host.runtime.name} {host.runtime.version}"
            settled = ["this machine", host.runtime.name, host.runtime.version, reference.digest, other.load.threads]
            sides.append(_results(host, settled, plan, f"host, {reference.variant}", progress))
            facts.append(ReferenceFacts(reference.variant, reference.digest, runtime))
    progress(Progress("evaluating"))
    return _evaluated(plan, sha256, mapping, sides, facts, progress)


def _results(
    session: AgentSession, settled: Sequence[object], plan: AccuracyPlan, who: str, progress: ProgressListener
) -> dict[str, PictureResult]:
    """By the name of the picture; those that had arrived before are taken as they are."""
    pictures = plan.data_set.pictures
    files = [PictureFile(one.path, one.name, "", one.image_id) for one in pictures]
    states = [[str(one.path), one.name, *_state(one.path)] for one in pictures]
    failed: dict[str, PictureResult] = {}
    with ArrivedResults(plan.kept, [agent_object().digest, *settled, states]) as arrived:
        text = f"accuracy: pictures on the {who}"
        wanted = [file for file in files if file.name not in arrived.known]
        if len(wanted) < len(files):
            had = counted(len(files) - len(wanted), "picture")
            progress(Progress(f"{who}: {had} had arrived before", ProgressKind.NOTE))
        if wanted:
            done = len(files) - len(wanted)
            progress(Progress(text, done=done, total=len(files)))
            for result in session.detect(read_pictures(wanted, failed)):
                arrived.add(result)
                progress(Progress(text, done=len(arrived.known) + len(failed), total=len(files)))
        return {**arrived.known, **failed}


def _state(path: Path) -> list[int]:
    try:
        found = path.stat()
    except OSError:
        return []
    return [found.st_size, found.st_mtime_ns]


def _require_same_labels(loaded: LoadedBundle, other: LoadedBundle) -> None:
    if (loaded.labels, loaded.manifest.label_offset) != (other.labels, other.manifest.label_offset):
        raise UsageError("the bundles have different labels, so that one cannot be held against the other.")


def _evaluated(
    plan: AccuracyPlan,
    sha256: str,
    mapping: ClassMapping,
    sides: Sequence[Mapping[str, PictureResult]],
    facts: Sequence[ReferenceFacts],
    progress: ProgressListener,
) -> Evaluated:
    data_set = plan.data_set
    truth, resized = labelled_objects(data_set, mapping, sides)
    if resized:
        pictures = counted(resized, "picture decodes", "pictures decode")
        text = f"{data_set.name}: {pictures} to another size than its labels tell (EXIF?)"
        progress(Progress(text, ProgressKind.WARNING))
    board, *references = [found_objects(data_set, mapping, side) for side in sides]
    ids = tuple(picture.image_id for picture in data_set.pictures)
    samples = AccuracySamples(ids, tuple(mapping.labels), truth, board, tuple(references))
    objects = int((~truth.crowd).sum())
    if not objects:
        raise DataSetError(f"{data_set.name}: no object of its pictures is labelled with a class that is evaluated.")
    told = DataSetFacts(data_set.name, data_set.kind, sha256, len(ids), objects, mapping.left_out)
    failed = sum(result.detections is None for result in sides[0].values())
    return evaluate_accuracy(samples, list(mapping.labels.values()), told, facts, failed, best_evaluator())
