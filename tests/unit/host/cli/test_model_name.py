"""A bundle whose files name no model gets a name from a person, else from its labels; never one of every exporter."""

import os
import pty
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edgeproof.bundle import open_bundle, write_bundle
from edgeproof.wording.model_names import name_of_files, says_nothing

ASK = "from edgeproof.cli.options.model_name import ask_for_name; print('called', ask_for_name('person'))"


def on_a_terminal(typed: bytes) -> str:
    """What a person sees who types that."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", ASK], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, typed)
    seen = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux's word for the end of a terminal
            break
        if not part:
            break
        seen += part
    os.close(ours)
    assert process.wait(20) == 0, seen
    return seen.decode()


@pytest.mark.parametrize(("typed", "name"), [(b"\n", "person"), (b"walkers\n", "walkers")])
def test_a_person_is_asked_on_a_terminal(typed: bytes, name: str) -> None:
    seen = on_a_terminal(typed)
    assert "The files do not name this model" in seen
    assert "[person]" in seen
    assert seen.rstrip().endswith(f"called {name}")


def test_nobody_is_asked_where_there_is_no_terminal() -> None:
    done = subprocess.run([sys.executable, "-c", ASK], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.stdout == "called person\n", done.stderr


@pytest.mark.parametrize(
    "name", ["frozen_inference_graph", "saved_model", "model", "SavedModel", "tflite_graph", "best"]
)
def test_what_every_exporter_writes_is_no_name(name: str) -> None:
    assert says_nothing(name)
    assert name_of_files(Path("/tmp") / f"{name}.pb") is None


def test_a_person_s_home_folder_names_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "out/models/anna"
    home.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    assert name_of_files(home / "models/exported/model.tflite") != "anna"
    monkeypatch.setenv("HOME", "/root")
    assert name_of_files(home / "models/exported/model.tflite") == "anna"


@pytest.mark.parametrize("name", ["people", "ssd_mobilenet_v2", "model-of-cats", "graphics", "int8-people"])
def test_a_name_that_says_something_stays(name: str) -> None:
    assert not says_nothing(name)
    assert name_of_files(Path("/tmp") / f"{name}.pb") == name


def test_a_bundle_of_an_older_export_gives_its_app_another_name(tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    bundle = open_bundle(tiny_bundles["int8"])
    assert bundle.app_name == bundle.manifest.name
    for labels, name in ((["person"], "person"), (["a", "b", "c"], "detector")):
        manifest = replace(bundle.manifest, name="frozen_inference_graph")
        old = write_bundle(tmp_path / name, manifest, bundle.model_path.read_bytes(), labels)
        assert old.app_name == name
