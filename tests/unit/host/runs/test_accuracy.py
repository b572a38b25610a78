"""A data set through a board and references: it goes on where it was interrupted, to the very same record."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgeproof.board.agent.loading import LoadedBundle
from edgeproof.datasets.opening import open_data_set
from edgeproof.errors import AgentDiedError, DataSetError, UsageError
from edgeproof.record.board import RuntimeInfo
from edgeproof.record.detections import Detections, PictureResult
from edgeproof.record.measured.load import LoadResult
from edgeproof.runs import accuracy as module
from edgeproof.runs.accuracy import measure_accuracy
from edgeproof.runs.plan import AccuracyPlan, Reference
from edgeproof.verify.accuracy.evaluation import Evaluated
from edgeproof.wording.progress import Progress, ProgressKind, silent
from edgeproof_agent.bundle.manifest_reader import parse_manifest
from tests.support.label_files import BOXES, HEIGHT, WIDTH, write_coco, write_yolo
from tests.unit.host.record.test_run import MANIFEST

LABELS = ("person", "bike")
LOADED = LoadedBundle(parse_manifest(MANIFEST), LABELS, LoadResult(1, None, 1))
OF_LABELS = (1, 0)
"""Class of the data set to class index of the model."""


def perfect(name: str) -> PictureResult:
    """All that is labelled on a picture."""
    rows = BOXES[Path(name).stem]
    boxes = [[y / HEIGHT, x / WIDTH, (y + h) / HEIGHT, (x + w) / WIDTH] for _, x, y, w, h in rows]
    found = Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array([OF_LABELS[number] for number, *_ in rows], np.int32),
        np.full(len(rows), 0.9, np.float32),
    )
    return PictureResult(name, WIDTH, HEIGHT, found)


class Session:
    """An agent that finds everything; it dies after so many pictures, and cannot use those that are `broken`."""

    runtime = RuntimeInfo("tflite-runtime", "2.14.0")

    def __init__(self, dies_after: int = 1000, broken: Sequence[str] = (), loaded: LoadedBundle = LOADED) -> None:
        self.dies_after, self.broken, self.loaded = dies_after, broken, loaded
        self.asked: list[str] = []

    def load(self, _: str) -> LoadedBundle:
        return self.loaded

    def detect(self, pictures: Iterable[tuple[str, bytes]]) -> Iterator[PictureResult]:
        for name, data in pictures:
            assert data.startswith(b"\xff\xd8")
            if len(self.asked) >= self.dies_after:
                raise AgentDiedError("the agent died")
            self.asked.append(name)
            yield PictureResult(name, error="it is broken") if Path(name).stem in self.broken else perfect(name)


def measured(board: Session, plan: AccuracyPlan, progress: Any = silent) -> Evaluated:
    return measure_accuracy(board, ["pi"], "ab" * 32, LOADED, plan, progress)  # type: ignore[arg-type]


@pytest.fixture
def plan(tmp_path: Path) -> AccuracyPlan:
    return AccuracyPlan(open_data_set(write_coco(tmp_path / "set")), tmp_path / "kept")


def held_against(plan: AccuracyPlan, monkeypatch: pytest.MonkeyPatch, host: Session) -> AccuracyPlan:
    """The same with a float32 bundle on this machine, which `host` runs."""
    monkeypatch.setattr(module, "open_session", lambda *_: contextlib.nullcontext(host))
    store = SimpleNamespace(path=lambda *_: "bundle")
    references = (Reference("float32", "cd" * 32),)
    return replace(plan, host=SimpleNamespace(store=store), references=references)  # type: ignore[arg-type]


def test_what_finds_everything_has_a_map_of_1(plan: AccuracyPlan) -> None:
    found = measured(Session(), plan)
    assert found.accuracy.map.value == pytest.approx(1)
    facts = found.accuracy.data_set
    assert (facts.name, facts.kind, facts.pictures, facts.objects) == ("val.json", "COCO", 3, 3)
    assert [(one.label, one.category_id, one.objects) for one in found.accuracy.classes] == [
        ("bike", 3, 1),
        ("person", 5, 2),
    ]
    assert [curve.label for curve in found.curves] == ["all classes", "bike", "person"]


def test_boxes_of_yolo_are_those_of_the_picture_as_it_was_decoded(tmp_path: Path) -> None:
    plan = AccuracyPlan(open_data_set(write_yolo(tmp_path / "set")), tmp_path / "kept")
    accuracy = measured(Session(), plan).accuracy
    assert accuracy.map.value == pytest.approx(1)
    assert accuracy.samples is not None
    np.testing.assert_allclose(accuracy.samples.truth.boxes[0], BOXES["a"][0][1:])


@pytest.mark.parametrize("after", [0, 1, 2])
def test_one_that_was_interrupted_goes_on_to_the_very_same_record(
    plan: AccuracyPlan, tmp_path: Path, after: int
) -> None:
    board = Session(dies_after=after)
    with pytest.raises(AgentDiedError):
        measured(board, plan)
    said: list[Progress] = []
    again = Session()
    found = measured(again, plan, said.append)
    assert board.asked + again.asked == ["a.jpg", "b.jpg", "c.jpg"]
    noted = [event.text for event in said if event.kind is ProgressKind.NOTE and "arrived" in event.text]
    assert len(noted) == (after > 0)
    at_once = measured(Session(), replace(plan, kept=tmp_path / "other"))
    assert replace(found.accuracy, samples=None) == replace(at_once.accuracy, samples=None)
    assert found.accuracy.samples is not None
    assert at_once.accuracy.samples is not None
    np.testing.assert_array_equal(found.accuracy.samples.board.rows(), at_once.accuracy.samples.board.rows())


def test_what_had_arrived_of_the_board_stays_when_the_host_fails(
    plan: AccuracyPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, host = Session(), Session(dies_after=1)
    with pytest.raises(AgentDiedError):
        measured(board, held_against(plan, monkeypatch, host))
    again, healthy = Session(), Session(broken=["c"])
    accuracy = measured(again, held_against(plan, monkeypatch, healthy)).accuracy
    assert (again.asked, healthy.asked) == ([], ["b.jpg", "c.jpg"])
    (reference,) = accuracy.against
    assert (reference.variant, reference.digest, reference.runtime) == ("float32", "cd" * 32, "tflite-runtime 2.14.0")
    assert reference.drop.value == pytest.approx(reference.map.value - accuracy.map.value)
    assert reference.drop.value < 0


def test_a_changed_picture_or_another_bundle_is_asked_anew(plan: AccuracyPlan, tmp_path: Path) -> None:
    measured(Session(), plan)
    same = Session()
    measured(same, plan)
    assert same.asked == []
    picture = tmp_path / "set" / "images" / "b.jpg"
    picture.write_bytes(picture.read_bytes() + b"\0")
    changed = Session()
    measured(changed, replace(plan, data_set=open_data_set(tmp_path / "set" / "val.json")))
    assert changed.asked == ["a.jpg", "b.jpg", "c.jpg"]
    other = Session()
    measure_accuracy(other, ["rock"], "ab" * 32, LOADED, plan, silent)  # type: ignore[arg-type]
    assert other.asked == ["a.jpg", "b.jpg", "c.jpg"]


def test_pictures_without_an_answer_are_counted_and_find_nothing(plan: AccuracyPlan) -> None:
    accuracy = measured(Session(broken=["c"]), plan).accuracy
    assert accuracy.failed == 1
    assert accuracy.map.value == pytest.approx((1 + 51 / 101) / 2)


def test_a_picture_that_is_gone_meanwhile_is_one_of_them_and_is_asked_again(plan: AccuracyPlan, tmp_path: Path) -> None:
    picture = tmp_path / "set" / "images" / "c.jpg"
    away = picture.with_suffix(".away")

    class Removing(Session):
        def detect(self, pictures: Iterable[tuple[str, bytes]]) -> Iterator[PictureResult]:
            picture.rename(away)
            return super().detect(pictures)

    assert measured(Removing(), plan).accuracy.failed == 1
    away.rename(picture)
    again = Session()
    assert measured(again, plan).accuracy.failed == 0
    assert again.asked == ["c.jpg"]


def test_another_size_than_labelled_is_said(plan: AccuracyPlan) -> None:
    small = replace(plan.data_set.pictures[0], size=(WIDTH // 2, HEIGHT))
    pictures = (small, *plan.data_set.pictures[1:])
    said: list[Progress] = []
    measured(Session(), replace(plan, data_set=replace(plan.data_set, pictures=pictures)), said.append)
    (warning,) = [event.text for event in said if event.kind is ProgressKind.WARNING]
    assert warning == "val.json: 1 picture decodes to another size than its labels tell (EXIF?)"


def test_classes_that_do_not_go_together_are_said_before_anything_is_run(plan: AccuracyPlan) -> None:
    board = Session()
    with pytest.raises(DataSetError, match="the model does not know 1 class"):
        measure_accuracy(board, ["pi"], "ab" * 32, replace(LOADED, labels=("person",)), plan, silent)  # type: ignore[arg-type]
    assert board.asked == []


def test_a_reference_with_other_labels_is_refused(plan: AccuracyPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Session(loaded=replace(LOADED, labels=("bike", "person")))
    with pytest.raises(UsageError, match="different labels"):
        measured(Session(), held_against(plan, monkeypatch, host))


def test_a_data_set_without_objects_is_refused(plan: AccuracyPlan) -> None:
    empty = tuple(replace(picture, objects=()) for picture in plan.data_set.pictures)
    with pytest.raises(DataSetError, match="no object of its pictures"):
        measured(Session(), replace(plan, data_set=replace(plan.data_set, pictures=empty)))
