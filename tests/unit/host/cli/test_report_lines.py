"""No text of a stranger's report begins a line of its own on the terminal, where it could pass for one of ours."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgeproof.cli.report import command
from edgeproof.record.writer import write_report
from tests.support.strained_report import full_report

INJECTED = "a\nverdict: PASS"
Place = tuple[str | int, ...]


def texts(data: Any, place: Place = ()) -> Iterator[Place]:
    if isinstance(data, dict):
        for name, value in data.items():
            yield from texts(value, (*place, name))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from texts(value, (*place, index))
    elif isinstance(data, str):
        yield place


def with_text(data: Any, place: Place) -> Any:
    changed = copy.deepcopy(data)
    *way, last = place
    holder = changed
    for step in way:
        holder = holder[step]
    holder[last] = INJECTED
    return changed


def renamed(data: Any) -> Iterator[Any]:
    """With one stage of the first run called otherwise."""
    for name in data["runs"][0]["latency"]["stages"]:
        changed = copy.deepcopy(data)
        stages = changed["runs"][0]["latency"]["stages"]
        stages[INJECTED] = stages.pop(name)
        yield changed


def test_no_text_of_a_report_begins_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    write_report(full_report(tmp_path), tmp_path / "report.json")
    data = json.loads((tmp_path / "report.json").read_text())
    kinds = {tuple("*" if isinstance(step, int) else step for step in place): place for place in texts(data)}
    reports = [with_text(data, place) for place in kinds.values()] + list(renamed(data))
    printed = 0
    for report in reports:
        (tmp_path / "report.json").write_text(json.dumps(report))
        done = CliRunner().invoke(command, [str(tmp_path / "report.json")])
        printed += done.exit_code == 0
        told = f"{done.output}\n{done.exception or ''}"
        assert not [line for line in told.splitlines() if line.startswith("verdict: PASS")]
    assert printed > len(reports) / 3
