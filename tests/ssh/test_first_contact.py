"""What stands between a login and the first command, and the words that a user then sees: on a real sshd, with real
shells. docs/reference/first-contact.md has the same words in a table."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from edgeproof.board.doctor.diagnosis import Diagnosis, diagnose
from edgeproof.board.doctor.finding import Level
from edgeproof.board.link import first_contact
from edgeproof.board.open_board import open_board
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import BoardError
from tests.support.boards.login_board import LoginBoard, login_board
from tests.support.boards.situations import LOGIN, PYTHON, Situation, bashrc
from tests.support.boards.ssh_servers import write_config
from tests.support.places import ROOT

TABLE = ROOT / "docs/reference/first-contact.md"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginBoard]:
    with login_board(tmp_path_factory.mktemp("contact") / "board") as running:
        yield running


def in_situation(board: LoginBoard, situation: Situation, monkeypatch: pytest.MonkeyPatch) -> BoardProfile:
    for program in (situation.shell, situation.needs):
        if program and shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: {situation.name} was not tried")
    if situation.silent:
        monkeypatch.setattr(first_contact, "READY_SECONDS", 0.6)
        monkeypatch.setattr(first_contact, "END_SECONDS", 0.6)
    board.set_up(shutil.which(situation.shell) or situation.shell, situation.files, situation.forced)
    return msgspec.structs.replace(board.profile, python=situation.python or board.profile.python)


def said(diagnosis: Diagnosis, name: str) -> str:
    finding = next(finding for finding in diagnosis.findings if finding.name == name)
    return f"{finding.value}\n{finding.remedy}"


@pytest.mark.parametrize("situation", LOGIN, ids=lambda situation: situation.name)
def test_what_a_login_does_is_passed_over_or_told(
    board: LoginBoard, situation: Situation, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = in_situation(board, situation, monkeypatch)
    if not situation.words:
        with open_board(profile) as opened:
            assert opened.store.root == f"{board.home}/.edgeproof"
        assert {"model", "memory", "runtimes"} <= {finding.name for finding in diagnose(profile).findings}
        return
    with pytest.raises(BoardError) as caught, open_board(profile):
        pass
    assert situation.words in str(caught.value)
    assert "doctor" not in str(caught.value)
    diagnosis = diagnose(profile)
    assert situation.words in said(diagnosis, "login")
    assert not diagnosis.healthy
    left = {path.name for path in board.home.iterdir()} - {*situation.files, ".ssh", ".config", ".cache", ".local"}
    assert not left, "what was sent did something there"


@pytest.mark.parametrize("situation", PYTHON, ids=lambda situation: situation.name)
def test_what_python_is_on_the_board_is_told_and_the_rest_is_examined(
    board: LoginBoard, situation: Situation, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = in_situation(board, situation, monkeypatch)
    if not situation.words:
        with open_board(profile) as opened:
            assert opened.store.root == f"{board.home}/.edgeproof"
        return
    with pytest.raises(BoardError) as caught, open_board(profile):
        pass
    assert situation.words in str(caught.value)
    assert "doctor" not in str(caught.value)
    diagnosis = diagnose(profile)
    assert situation.words in said(diagnosis, "python")
    levels = {finding.name: finding.level for finding in diagnosis.findings}
    assert levels["python"] is Level.BAD
    assert levels["login"] is Level.GOOD
    assert levels["memory"] in (Level.GOOD, Level.WARNING)
    assert "cpu" in levels


def test_the_board_s_pythons_that_do_are_named_where_the_one_asked_for_does_not(board: LoginBoard) -> None:
    board.set_up(files={"conda/bin/python3": f'#!/bin/sh\nexec {sys.executable} "$@"\n'})
    told = said(diagnose(msgspec.structs.replace(board.profile, python="python9")), "python")
    assert "The board has one that does: python = " in told
    assert f"{board.home}/conda/bin/python3" in told


def test_a_login_file_that_prints_is_named_by_doctor(board: LoginBoard) -> None:
    board.set_up("/bin/bash", bashrc("echo Welcome to the lab"))
    diagnosis = diagnose(board.profile)
    assert "a login file prints: Welcome to the lab" in said(diagnosis, "login")
    assert "[[ $- == *i* ]] || return" in said(diagnosis, "login")


def test_every_command_tells_the_same(board: LoginBoard, tmp_path: Path, tiny_bundles: dict[str, Path]) -> None:
    board.set_up("/bin/bash", bashrc("exit 5"))
    write_config(tmp_path, board.profile)
    bundle = str(next(iter(tiny_bundles.values())))
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    for command in (
        ["provision", "desk"],
        ["push", "desk", bundle],
        ["detect", "desk", "a.png", "--out", "out"],
        ["bench", "desk", "--image", "a.png"],
        ["status", "desk"],
        ["board", "doctor", "desk"],
    ):
        ended = subprocess.run(
            [sys.executable, "-m", "edgeproof", *command], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert ended.returncode == (1 if "doctor" in command else 2), ended.stderr
        words = " ".join((ended.stdout + ended.stderr).split())
        assert "did not run a command: something else ended with exit status 5" in words
        assert "doctor" not in ended.stderr


def test_the_table_has_every_situation_and_its_words() -> None:
    rows = [
        f"| {situation.name} | {f'`{situation.words}`' if situation.words else 'works'} |"
        for situation in (*LOGIN, *PYTHON)
    ]
    assert "\n".join(rows) in TABLE.read_text(encoding="utf-8"), "\n".join(rows)
