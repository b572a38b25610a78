"""`edgeproof parity`: its exit status says whether a confident detection differs."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edgeproof.cli import parity as command_module
from edgeproof.cli.main import cli
from edgeproof.record.run import Run
from tests.support import sample_report as sample


@contextlib.contextmanager
def board(*_: object) -> Iterator[SimpleNamespace]:
    yield SimpleNamespace(store=None)


def parity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bundle: Path, run: Run) -> Result:
    """The command on a board that gives this run."""
    for name in ("open_board", "open_reference", "start_agent"):
        monkeypatch.setattr(command_module, name, board)
    for name in ("send_bundle", "reference_runtime", "parity_plan"):
        monkeypatch.setattr(command_module, name, lambda *_: "tflite-runtime")
    monkeypatch.setattr(command_module, "choose_runtime", lambda *_: SimpleNamespace(name="tflite-runtime"))
    monkeypatch.setattr(command_module, "execute", lambda *_: run)
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    return CliRunner().invoke(
        cli, ["parity", "pi@127.0.0.1", str(tmp_path / "a.png"), "--bundle", str(bundle)], standalone_mode=False
    )


def test_a_difference_is_status_1_and_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_bundles: dict[str, Path]
) -> None:
    run = replace(sample.run(), parity=sample.parity())
    done = parity(monkeypatch, tmp_path, tiny_bundles["int8"], run)
    assert done.return_value == 1
    assert "camera.png: 1 differ, from outputs on" in done.output


def test_no_difference_is_status_0(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_bundles: dict[str, Path]
) -> None:
    alike = replace(sample.parity(), pictures=sample.parity().pictures[:1])
    done = parity(monkeypatch, tmp_path, tiny_bundles["int8"], replace(sample.run(), parity=alike))
    assert done.return_value == 0
    assert "2 of 2 confident detections the same" in done.output


def test_a_board_that_fails_on_the_way_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_bundles: dict[str, Path]
) -> None:
    done = parity(monkeypatch, tmp_path, tiny_bundles["int8"], replace(sample.run(), error="the agent died"))
    assert str(done.exception) == "the agent died"
