"""Carrying a check out: interrupted ones go on, a failing cell does not keep the others back, and the exit status."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.check.cell import Cell
from edgeproof.check.checking import Checked, check, exit_code
from edgeproof.check.kept_cells import KeptCells, cell_key
from edgeproof.config.boards import BoardProfile
from edgeproof.datasets.opening import open_data_set
from edgeproof.errors import BoardUnreachableError
from edgeproof.record.measured.load import LoadResult
from edgeproof.record.run import Report, Run
from edgeproof.record.verdict.claims import Answer
from edgeproof.runs.pictures import PictureFile
from edgeproof.verify.gate_text import parse_gate
from edgeproof.wording.progress import Progress, ProgressListener
from tests.support import sample_report as sample
from tests.support.label_files import write_coco

PASS, FAIL, OPEN = Answer.PASS, Answer.FAIL, Answer.INCONCLUSIVE


def cell(variant: str = "int8", **changes: object) -> Cell:
    made = Cell(
        Path(variant), variant, variant, BoardProfile(host="pi", name="pi"), (parse_gate("size", "< 6 MB"),), threads=2
    )
    return replace(made, **changes)  # type: ignore[arg-type]


class Board:
    """Measures cells; those of `broken` variants it does not."""

    def __init__(self, *broken: str) -> None:
        self.broken = broken
        self.measured: list[str] = []

    def __call__(self, cell: Cell, progress: ProgressListener) -> Run:
        self.measured.append(cell.variant)
        if cell.variant in self.broken:
            raise BoardUnreachableError("pi does not answer")
        return sample.run(cell.variant)


CELLS = [cell("float32"), cell("int8"), cell("float16")]


def test_every_cell_is_measured_and_nothing_is_kept_at_the_end(tmp_path: Path) -> None:
    board = Board()
    checked = check(CELLS, KeptCells(tmp_path / "cells"), measure=board)
    assert board.measured == ["float32", "int8", "float16"]
    assert [run.bundle.variant for run in checked.runs] == ["float32", "int8", "float16"]
    assert checked.whole
    assert not (tmp_path / "cells").exists()


def test_an_interrupted_check_goes_on_where_it_was_with_the_very_samples(tmp_path: Path) -> None:
    kept = KeptCells(tmp_path / "cells")

    def interrupted(cell: Cell, progress: ProgressListener) -> Run:
        if cell.variant == "float16":
            raise KeyboardInterrupt
        return sample.run(cell.variant)

    with pytest.raises(KeyboardInterrupt):
        check(CELLS, kept, measure=interrupted)
    board = Board()
    said: list[Progress] = []
    checked = check(CELLS, kept, said.append, measure=board)
    assert board.measured == ["float16"]
    assert "1 of 3: float32 on pi, 2 threads: measured already" in [event.text for event in said]
    first, again = checked.runs[0].latency, sample.run("float32").latency
    assert first is not None
    assert again is not None
    np.testing.assert_array_equal(first.samples_ns["total"], again.samples_ns["total"])
    assert [claim.answer for claim in checked.runs[0].claims] == [FAIL]  # its gates are held against it anew


def test_repeat_measures_again_what_was_measured(tmp_path: Path) -> None:
    kept = KeptCells(tmp_path / "cells")
    check(CELLS, kept, measure=Board("float16"))
    board = Board()
    check(CELLS, kept, measure=board, repeat=True)
    assert board.measured == ["float32", "int8", "float16"]


def test_a_cell_that_fails_is_told_and_does_not_keep_the_others_back(tmp_path: Path) -> None:
    kept, board = KeptCells(tmp_path / "cells"), Board("float32")
    checked = check(CELLS, kept, measure=board)
    assert board.measured == ["float32", "int8", "float16"]
    assert checked.failures == ("float32 on pi, 2 threads: pi does not answer",)
    assert len(checked.runs) == 2
    again = Board()
    check(CELLS, kept, measure=again)
    assert again.measured == ["float32"]


def test_a_run_that_the_board_cut_short_is_not_kept(tmp_path: Path) -> None:
    kept = KeptCells(tmp_path / "cells")
    checked = check(CELLS[:1], kept, measure=lambda _, __: replace(sample.run(), error="the agent died"))
    assert not checked.whole
    assert kept.read(CELLS[0]) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"bundle_digest": "other"},
        {"board": BoardProfile(host="pi2", name="pi")},
        {"runtime": "ai-edge-litert"},
        {"threads": 1},
        {"cores": "big"},
        {"delegate": "libvx.so"},
        {"gates": (parse_gate("size", "< 7 MB"),)},
        {"runs": 5},
        {"min_score": 0.6},
        {"picture": Path("x.png")},
        {"pictures": (PictureFile(Path("x.png"), "x.png", "x.jpg", 1),)},
        {"seconds": 5.0},
    ],
)
def test_a_cell_of_which_anything_changed_is_another(changes: dict[str, Any]) -> None:
    assert cell_key(cell(**changes)) != cell_key(cell())
    assert cell_key(cell(bundle=Path("/elsewhere"))) == cell_key(cell())


@pytest.mark.parametrize("changes", [{"name": "b"}, {"image_id": 2}, {"path": Path(__file__)}])
def test_a_cell_with_another_picture_is_another(changes: dict[str, Any]) -> None:
    picture = PictureFile(Path("x.png"), "a", "a.jpg", 1)
    assert cell_key(cell(pictures=(replace(picture, **changes),))) != cell_key(cell(pictures=(picture,)))


def test_what_another_version_measured_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its agent prepared and timed in another way, maybe."""
    before = cell_key(cell())
    monkeypatch.setattr("edgeproof.check.kept_cells.__version__", "99.0")
    assert cell_key(cell()) != before


def test_a_kept_record_that_was_damaged_is_measured_again(tmp_path: Path) -> None:
    kept = KeptCells(tmp_path / "cells")
    kept.keep(CELLS[0], sample.run("float32"))
    samples = tmp_path / "cells" / cell_key(CELLS[0]) / "samples" / "0.i64"
    samples.write_bytes(samples.read_bytes()[:-1] + b"\x7f")
    assert kept.read(CELLS[0]) is None


def test_dropping_leaves_what_is_not_a_record(tmp_path: Path) -> None:
    folder = tmp_path / "cells"
    kept = KeptCells(folder)
    kept.keep(CELLS[0], sample.run())
    (folder / "notes.txt").write_text("mine")
    kept.drop(CELLS)
    assert [entry.name for entry in folder.iterdir()] == ["notes.txt"]


RUN = sample.run()


@pytest.mark.parametrize(
    ("verdict", "checked", "code"),
    [
        (PASS, Checked((RUN,)), 0),
        (FAIL, Checked((RUN,)), 1),
        (OPEN, Checked((RUN,)), 3),
        (None, Checked((RUN,)), 3),
        (PASS, Checked((RUN,), ("int8 on pi: it does not answer",)), 2),
        (FAIL, Checked((RUN,), ("int8 on pi: it does not answer",)), 1),
        (OPEN, Checked((replace(RUN, error="it died"),)), 2),
    ],
)
def test_the_exit_status_is_the_verdict(verdict: Answer | None, checked: Checked, code: int) -> None:
    assert exit_code(verdict, checked) == code


CHANGE = (parse_gate("invoke", "p50 vs baseline < +50 %"),)


def test_a_gate_against_the_baseline_is_held_against_the_same_cell_of_it(tmp_path: Path) -> None:
    earlier = Report((sample.run("float32", invoke_ms=10.0), sample.run("int8", invoke_ms=44.0)))
    kept = KeptCells(tmp_path / "cells")
    (run,) = check([cell(gates=CHANGE)], kept, baseline=earlier, measure=Board()).runs
    (claim,) = run.claims
    assert claim.answer is PASS
    assert claim.value == pytest.approx(100 * (45 / 44 - 1), abs=1)


@pytest.mark.parametrize(
    "earlier",
    [
        None,
        Report(()),
        Report((sample.run("float32"),)),
        Report((replace(sample.run(), board=sample.board("another")),)),
        Report((sample.run(runtime=sample.RUNTIMES[1]),)),
        Report((replace(sample.run(), load=LoadResult(1, 1, threads=4)),)),
        Report((sample.run(), sample.run(seed=2))),
    ],
)
def test_another_cell_is_no_baseline_and_of_two_neither_is(tmp_path: Path, earlier: Report | None) -> None:
    kept = KeptCells(tmp_path / "cells")
    (run,) = check([cell(gates=CHANGE)], kept, baseline=earlier, measure=Board()).runs
    assert run.claims[0].answer is OPEN
    assert run.claims[0].note is not None
    assert run.claims[0].note.startswith("there is no 'baseline'")


def test_what_arrives_of_a_cell_is_kept_beside_the_records_until_all_are_through(tmp_path: Path) -> None:
    kept = KeptCells(tmp_path / "cells")
    places: list[Path] = []

    def arriving(cell: Cell, progress: ProgressListener) -> Run:
        assert cell.arrived is not None
        places.append(cell.arrived)
        cell.arrived.mkdir(parents=True, exist_ok=True)
        (cell.arrived / "some.jsonl").write_text("{}")
        if len(places) == 2:
            raise BoardUnreachableError("pi does not answer")
        return sample.run(cell.variant)

    check(CELLS, kept, measure=arriving)
    assert (tmp_path / "cells" / "arrived" / "some.jsonl").is_file()
    check(CELLS, kept, measure=arriving)
    assert set(places) == {kept.arrived}
    assert not (tmp_path / "cells").exists()


def test_another_data_set_or_mapping_is_another_cell(tmp_path: Path) -> None:
    data_set = open_data_set(write_coco(tmp_path / "set"))
    first = cell(data_set=data_set)
    keys = {
        cell_key(first),
        cell_key(cell()),
        cell_key(replace(first, renames={"a": "b"})),
        cell_key(replace(first, common_classes=True)),
        cell_key(replace(first, data_set=replace(data_set, pictures=data_set.pictures[:1]))),
    }
    assert len(keys) == 5
    assert cell_key(replace(first, arrived=tmp_path)) == cell_key(first)
