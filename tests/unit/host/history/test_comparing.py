"""Two runs are compared when all that differs around them was declared."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edgeproof.errors import ReportError, UsageError
from edgeproof.history.comparing import MapChange, compare_runs, find_side
from edgeproof.history.database import History
from edgeproof.record.run import Report
from edgeproof.record.writer import write_report
from edgeproof.verify.latency import latency_of
from tests.support.sample_accuracy import evaluated
from tests.support.sample_report import bench
from tests.unit.host.history.test_database import one_run


def measured(folder: Path, invoke_ms: float, seed: int = 1) -> Report:
    whole = one_run(folder)
    return replace(whole, runs=(replace(whole.runs[0], latency=latency_of(bench(400, seed, invoke_ms))),))


def test_a_slower_run_is_told_and_an_equal_one_is_not(history: History, tmp_path: Path) -> None:
    first = history.keep(measured(tmp_path, 45.0))
    slower, same = history.keep(measured(tmp_path, 60.0, 2)), history.keep(measured(tmp_path, 45.0, 3))
    a = find_side(str(first), history)
    compared = compare_runs(a, find_side(str(slower), history, a.run), ())
    change = {stage.stage: stage for stage in compared.stages}["invoke"]
    assert change.told_apart
    assert change.low < 100 * (60 / 45 - 1) < change.high
    again = compare_runs(a, find_side(str(same), history, a.run), ())
    assert not {stage.stage: stage for stage in again.stages}["invoke"].told_apart
    back = compare_runs(find_side(str(slower), history), a, ())
    assert {stage.stage: stage for stage in back.stages}["invoke"].percent == pytest.approx(-25, abs=2)


def test_a_difference_around_them_stops_it_until_it_is_declared(history: History, tmp_path: Path) -> None:
    first = measured(tmp_path, 45.0)
    board = replace(first.runs[0].board, os="Debian GNU/Linux 13")
    runtime = replace(first.runs[0].runtime, version="9.9")
    second = replace(first, runs=(replace(first.runs[0], board=board, runtime=runtime),))
    a, b = (find_side(str(history.keep(report)), history) for report in (first, second))
    with pytest.raises(UsageError, match="--differs os --differs runtime"):
        compare_runs(a, b, ())
    with pytest.raises(UsageError, match="say so: --differs runtime"):
        compare_runs(a, b, ("os",))
    compared = compare_runs(a, b, ("os", "runtime"))
    assert compared.differing["os"] == "Debian GNU/Linux 12 -> Debian GNU/Linux 13"


def test_files_baselines_and_numbers_name_the_same_run(history: History, tmp_path: Path) -> None:
    report = measured(tmp_path, 45.0)
    number = history.keep(report)
    history.set_baseline("main", number)
    write_report(report, tmp_path / "report.json")
    named = [find_side(words, history) for words in (str(number), f"{number}.0", "main", str(tmp_path / "report.json"))]
    assert len({json.dumps(side.run.bundle.to_json()) for side in named}) == 1
    assert find_side(str(tmp_path / "report.json"), None).run.latency is not None
    for words, message in (("other", "nor a baseline"), ("77", "has no report 77"), (f"{number}.5", "has 1 runs")):
        with pytest.raises(UsageError, match=message):
            find_side(words, history)


def test_of_several_runs_the_other_side_tells_which(history: History, tmp_path: Path) -> None:
    single = measured(tmp_path, 45.0)
    twin = replace(single.runs[0], bundle=replace(single.runs[0].bundle, variant="int16x8"))
    several = history.keep(replace(single, runs=(twin, single.runs[0])))
    with pytest.raises(UsageError, match="Name one of them"):
        find_side(str(several), history)
    assert find_side(str(several), history, single.runs[0]).run.bundle.variant == single.runs[0].bundle.variant


def test_runs_without_samples_have_nothing_to_compare(tmp_path: Path) -> None:
    report = one_run(tmp_path)
    write_report(replace(report, runs=(replace(report.runs[0], latency=None),)), tmp_path / "none.json")
    side = find_side(str(tmp_path / "none.json"), None)
    with pytest.raises(ReportError, match="nothing to compare"):
        compare_runs(side, side, ())


def accurate(folder: Path, loss: float, seed: int = 7, failed: int = 0) -> Report:
    """Without a latency; `loss` is the share of detections that are missing."""
    whole = one_run(folder)
    found = evaluated(seed, 200, failed, loss)
    run = replace(whole.runs[0], latency=None, accuracy=found.accuracy, precision_recall=found.curves)
    return replace(whole, runs=(run,))


def test_accuracies_of_the_same_pictures_are_compared_picture_by_picture(history: History, tmp_path: Path) -> None:
    good, worse = accurate(tmp_path, 0.0), accurate(tmp_path, 0.5)
    a, b = (find_side(str(history.keep(report)), history) for report in (good, worse))
    change = compare_runs(a, b, ()).map
    assert isinstance(change, MapChange)
    assert change.told_apart
    accuracy = worse.runs[0].accuracy
    assert accuracy is not None
    float32 = accuracy.reference("float32")  # that is what `good` found
    assert float32 is not None
    assert change.change.value == pytest.approx(-float32.drop.value)
    assert change.change.low == pytest.approx(-(float32.drop.high or 0))
    assert change.change.high == pytest.approx(-(float32.drop.low or 0))
    assert change.after.value - change.before.value == pytest.approx(change.change.value)
    same = compare_runs(a, a, ()).map
    assert isinstance(same, MapChange)
    assert (same.change.value, same.told_apart) == (0.0, False)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"seed": 8}, "not evaluated on the same labelled pictures"),
        ({"failed": 1}, "had no answer"),
    ],
)
def test_accuracies_that_say_nothing_of_each_other_are_not_compared(
    history: History, tmp_path: Path, other: dict[str, int], why: str
) -> None:
    first = find_side(str(history.keep(accurate(tmp_path, 0.1))), history)
    second = find_side(str(history.keep(accurate(tmp_path, 0.1, **other))), history)
    with pytest.raises(ReportError, match=why):
        compare_runs(first, second, ())


def test_where_only_one_has_an_accuracy_the_latencies_are_compared(history: History, tmp_path: Path) -> None:
    timed = measured(tmp_path, 45.0)
    both = replace(timed, runs=(replace(timed.runs[0], accuracy=evaluated().accuracy),))
    a, b = (find_side(str(history.keep(report)), history) for report in (timed, both))
    compared = compare_runs(a, b, ())
    assert compared.stages
    assert compared.map == "only one of the two has an accuracy"
    assert compare_runs(a, a, ()).map is None


def test_boxes_that_were_not_kept_are_not_compared(history: History, tmp_path: Path) -> None:
    report = accurate(tmp_path, 0.1)
    accuracy = report.runs[0].accuracy
    assert accuracy is not None
    bare = replace(report, runs=(replace(report.runs[0], accuracy=replace(accuracy, samples=None)),))
    a = find_side(str(history.keep(report)), history)
    with pytest.raises(ReportError, match="boxes of one of the two were not kept"):
        compare_runs(a, replace(a, run=bare.runs[0]), ())
