"""`edgeproof accuracy`: what it writes, says at 80 columns, and keeps when the board fails on the way."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edgeproof.cli import accuracy as command_module
from edgeproof.cli.main import cli
from edgeproof.record.run import Run
from edgeproof.runs.plan import AccuracyPlan, RunPlan
from tests.support import sample_report as sample
from tests.support.label_files import write_coco
from tests.support.report_schema import checked_report
from tests.support.sample_accuracy import LABELS, evaluated

LINE = "evaluated by edgeproof; 95 % intervals."


class Boards:
    """Stands in for all boards: gives a run for each bundle, and remembers what was asked of it."""

    def __init__(self, error: str | None = None) -> None:
        self.error = error
        self.plans: list[RunPlan] = []
        self.variants: list[tuple[str, ...]] = []

    @contextlib.contextmanager
    def open(self, *_: object) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(store=None, name="desk")

    @contextlib.contextmanager
    def with_references(self, plan: AccuracyPlan, bundle: Any, variants: tuple[str, ...], *_: object) -> Iterator[Any]:
        self.variants.append(variants)
        yield plan

    def execute(self, *arguments: Any) -> Run:
        self.plans.append(arguments[3])
        assert arguments[3].accuracy is not None
        arguments[3].accuracy.kept.mkdir(parents=True, exist_ok=True)
        (arguments[3].accuracy.kept / "some.jsonl").write_text("{}\n")
        found = evaluated()
        run = replace(sample.run(), latency=None, pictures=(), load=None, detections_file=None)
        if self.error is not None:
            return replace(run, error=self.error)
        return replace(run, accuracy=found.accuracy, precision_recall=found.curves)


def accuracy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, boards: Boards, *arguments: object) -> Result:
    for name in ("open_board", "start_agent"):
        monkeypatch.setattr(command_module, name, boards.open)
    monkeypatch.setattr(command_module, "with_references", boards.with_references)
    monkeypatch.setattr(command_module, "choose_runtime", lambda *_: SimpleNamespace(name="tflite-runtime"))
    monkeypatch.setattr(command_module, "bundle_to_run", lambda *_: "ab" * 32)
    monkeypatch.setattr(command_module, "execute", boards.execute)
    monkeypatch.setattr(command_module, "classes_of", lambda *_: None)
    monkeypatch.setenv("COLUMNS", "80")
    if not (tmp_path / "set").exists():
        write_coco(tmp_path / "set")
    named = ["accuracy", "pi@127.0.0.1", "--data", str(tmp_path / "set" / "val.json"), "--out", str(tmp_path / "out")]
    return CliRunner().invoke(cli, [*named, *map(str, arguments)], standalone_mode=False)


def test_tables_fit_80_columns_and_all_files_are_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_bundles: dict[str, Path]
) -> None:
    boards = Boards()
    done = accuracy(monkeypatch, tmp_path, boards, "--bundle", tiny_bundles["int8"])
    assert done.exception is None
    assert boards.variants == [("int8", "float32")]
    assert LINE in " ".join(done.output.split())
    for line in done.output.splitlines():
        assert len(line.rstrip()) <= 80 or line.startswith(("report:", "kept as", "not kept")), line
    (run,) = checked_report(tmp_path / "out" / "report.json")["runs"]
    assert run["accuracy"]["samples"]["file"] == "samples/0.boxes"
    truth = json.loads((tmp_path / "out" / "ground_truth.json").read_text())
    assert [one["name"] for one in truth["categories"]] == list(LABELS)
    found = json.loads((tmp_path / "out" / "detections.json").read_text())
    samples = evaluated().accuracy.samples
    assert samples is not None
    assert len(found) == len(samples.board)
    assert not (tmp_path / "out" / "arrived").exists()
    again = accuracy(monkeypatch, tmp_path, boards, "--bundle", tiny_bundles["int8"])
    assert again.exception is None, "it replaces what it has written itself"


def test_several_bundles_are_several_runs_of_one_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_bundles: dict[str, Path]
) -> None:
    bundles = [word for variant in ("int8", "float32") for word in ("--bundle", tiny_bundles[variant])]
    done = accuracy(monkeypatch, tmp_path, Boards(), *bundles, "--json")
    assert done.exception is None
    assert len(json.loads(done.stdout)["runs"]) == 2
    assert (tmp_path / "out" / "1-int8" / "detections.json").is_file()


def test_without_a_bundle_it_is_the_app_and_nothing_is_run_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    boards = Boards()
    assert accuracy(monkeypatch, tmp_path, boards).exception is None
    assert boards.variants == []


def test_references_can_be_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_bundles: dict[str, Path]
) -> None:
    boards = Boards()
    done = accuracy(monkeypatch, tmp_path, boards, "--bundle", tiny_bundles["int8"], "--no-reference")
    assert done.exception is None
    assert boards.variants == []


def test_a_board_that_fails_on_the_way_is_an_error_and_what_had_arrived_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_bundles: dict[str, Path]
) -> None:
    done = accuracy(monkeypatch, tmp_path, Boards("the agent died"), "--bundle", tiny_bundles["int8"])
    assert str(done.exception) == "the agent died\nWhat had arrived is kept: the same command goes on from there."
    assert (tmp_path / "out" / "arrived" / "some.jsonl").is_file()
    again = accuracy(monkeypatch, tmp_path, Boards(), "--bundle", tiny_bundles["int8"])
    assert again.exception is None
    assert not (tmp_path / "out" / "arrived").exists()


def test_classes_that_do_not_go_together_are_said_before_the_board_is_reached(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_bundles: dict[str, Path]
) -> None:
    write_coco(tmp_path / "set")
    done = CliRunner().invoke(
        cli,
        ["accuracy", "pi@127.0.0.1", "--data", str(tmp_path / "set"), "--bundle", str(tiny_bundles["int8"])],
        standalone_mode=False,
    )
    assert "there is no data set in it" in str(done.exception)
    named = ["accuracy", "pi@127.0.0.1", "--data", str(tmp_path / "set" / "val.json"), "--out", str(tmp_path / "o")]
    done = CliRunner().invoke(cli, [*named, "--bundle", str(tiny_bundles["int8"])], standalone_mode=False)
    assert str(done.exception).startswith("no class of the data set (bike, person) is one of the model (")


@pytest.mark.parametrize("text", ["a", "=b", "a=", " = "])
def test_a_mapping_that_says_nothing_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    done = accuracy(monkeypatch, tmp_path, Boards(), "--map", text)
    assert "it looks like --map motorbike=motorcycle" in str(done.exception)
