"""`edgeproof board add`, `list` and `remove` as a user types them, and what `doctor` prints on any terminal."""

import io
import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from edgeproof.board.doctor.diagnosis import Diagnosis
from edgeproof.board.doctor.processor import processor
from edgeproof.board.doctor.system import system
from edgeproof.cli.board.doctor import print_diagnosis
from edgeproof.cli.main import cli
from tests.support.boards.recorded_boards import recording, understood


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("EDGEPROOF_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command: str) -> Result:
    return CliRunner().invoke(cli, ["board", *shlex.split(command)])


def test_a_board_is_added_listed_and_removed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "key").write_text("")
    added = run("add shed pi@10.0.0.7 --port 2222 --identity-file key --python python3.11 --runtime tflite-runtime")
    assert added.exit_code == 0, added.output
    assert added.output.splitlines()[0] == f"shed (pi@10.0.0.7:2222) is in {folder}/edgeproof.toml now. Next:"
    assert "edgeproof board trust shed" in added.output
    assert "edgeproof provision shed" in added.output
    assert (folder / "edgeproof.toml").read_text() == (
        '[boards.shed]\nhost = "pi@10.0.0.7"\nport = 2222\nidentity_file = "key"\npython = "python3.11"\n'
        'runtime = "tflite-runtime"\n'
    )
    monkeypatch.setenv("COLUMNS", "400")
    listed = " ".join(run("list").output.split())
    assert f"shed pi@10.0.0.7:2222 identity_file {folder}/key, python python3.11, runtime tflite-runtime" in listed
    assert f"from {folder}/edgeproof.toml" in listed
    told = json.loads(run("list --json").output)
    assert (told["schema"], told["file"]) == ("edgeproof.boards/1", f"{folder}/edgeproof.toml")
    assert told["boards"][0]["host"] == "10.0.0.7"
    assert run("remove shed").exit_code == 0
    assert "edgeproof board add NAME USER@HOST" in run("list").output


def test_several_signers_are_listed_in_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    (folder / "edgeproof.toml").write_text(
        '[boards.a]\nhost = "x@y"\nrequire_signature = ["ssh-ed25519 A", "ssh-ed25519 B"]\n'
    )
    assert "require_signature ssh-ed25519 A and ssh-ed25519 B" in run("list").output


def test_without_a_file_there_are_no_boards(folder: Path) -> None:
    listed = run("list")
    assert listed.exit_code == 0
    assert listed.output.startswith("there is no edgeproof.toml here or in a folder above. Add one:")
    assert json.loads(run("list --json").output) == {"schema": "edgeproof.boards/1", "file": None, "boards": []}
    assert "there is no edgeproof.toml" in str(run("remove shed").exception)


def test_the_file_of_the_folder_above_is_the_one_that_is_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "edgeproof.toml").write_text("# the lab's\n")
    (folder / "deep").mkdir()
    monkeypatch.chdir(folder / "deep")
    assert run("add a x@y").exit_code == 0
    assert (folder / "edgeproof.toml").read_text() == '# the lab\'s\n\n[boards.a]\nhost = "x@y"\n'
    monkeypatch.setenv("EDGEPROOF_CONFIG", str(folder / "other.toml"))
    assert run("add b x@y").exit_code == 0
    assert (folder / "other.toml").exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("add a x@y --identity-file nowhere", "there is no key nowhere"),
        ("add a x@y:99999", "is not a board: give user@host"),
        ("add a x@y:22 --port 22", "the port is given twice"),
        ("add a/b x@y", "is not a name for a board"),
    ],
)
def test_what_cannot_be_meant_is_refused(folder: Path, command: str, message: str) -> None:
    refused = run(command)
    assert refused.exit_code != 0
    assert message in str(refused.exception)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("width", [30, 44, 80, 200])
def test_a_diagnosis_fits_every_terminal(width: int) -> None:
    facts, examination = understood(recording("pi-4-bookworm-undervolted"))
    sections = {"system": list(system(facts, examination, False)), "processor": list(processor(facts, examination))}
    output = io.StringIO()
    print_diagnosis(Diagnosis("shed", sections), Console(file=output, width=width))
    lines = output.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    text = "".join(lines).replace(" ", "")
    for finding in [*sections["system"], *sections["processor"]]:
        assert finding.name.replace(" ", "") in text
    assert lines[-1] == "shed: 1 bad, 6 warnings"
    assert text.count("→") == 7
