"""`edgeproof export --via-odapi`: what goes in, what comes of it, and every way in which it does not."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgeproof.bundle import Bundle, open_bundle
from edgeproof.cli.export import command
from edgeproof.errors import ConversionError, EdgeproofError, NotAnSsdError, OdapiEnvironmentError, UsageError
from edgeproof.odapi import source
from edgeproof.odapi.environment import api_release
from tests.support.networks import tiny_networks

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

IMAGENET = {"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]}
CONFIG = """
model { ssd {
  num_classes: 2
  image_resizer { fixed_shape_resizer { height: 32 width: 32 } }
  feature_extractor { type: "ssd_efficientnet-b0_bifpn_keras" }
  box_coder { faster_rcnn_box_coder { } }
} }
"""


def write_checkpoint(folder: Path, config: str = CONFIG) -> Path:
    """The files that a checkpoint consists of. Nobody but the exporter reads what is in them."""
    folder.mkdir(parents=True)
    (folder / "pipeline.config").write_text(config)
    (folder / "ckpt-7.index").write_bytes(b"index")
    (folder / "ckpt-7.data-00000-of-00001").write_bytes(b"weights")
    return folder


def play_environment(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment whose interpreter is a shell script, called as `python -I exporter CONFIG CHECKPOINT OUT`."""
    python = folder / "python"
    python.write_text(f'#!/bin/sh\necho "$4" >> {folder / "runs"}\n{script}\n')
    python.chmod(0o755)
    monkeypatch.setattr(source, "ensure_environment", lambda *_: python)
    return folder / "runs"


def play_exporter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, num_classes: int = 2, prepared: dict[str, list[float]] = IMAGENET
) -> Path:
    """An environment that exports a small network, which wants pictures prepared as told."""
    exported = tiny_networks.save_with_composite(tmp_path / "exported")
    said = json.dumps({"num_classes": num_classes, **prepared})
    return play_environment(
        tmp_path, f'cp -r {exported} "$5/saved_model" && echo \'{said}\' > "$5/input.json"', monkeypatch
    )


def run(folder: Path, out: Path, *arguments: str) -> str:
    words = [str(folder), "--out", str(out), "--variant", "float32", "--via-odapi", *arguments]
    result = CliRunner().invoke(command, words)
    if isinstance(result.exception, EdgeproofError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def export(folder: Path, out: Path, *arguments: str) -> Bundle:
    run(folder, out, *arguments)
    return open_bundle(out / "float32")


def test_the_bundle_says_what_it_is_of_and_by_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = play_exporter(tmp_path, monkeypatch)
    folder = write_checkpoint(tmp_path / "detector")
    bundle = export(folder, tmp_path / "out")
    assert runs.read_text() == f"{folder / 'ckpt-7'}\n"
    assert bundle.manifest.name == "detector"
    provenance = bundle.manifest.provenance
    assert provenance["source"]["kind"] == "odapi-checkpoint"
    assert provenance["source"]["file"] == "detector"
    assert provenance["tools"]["object_detection_api"] == api_release()
    assert str(tmp_path) not in json.dumps(provenance)


def test_pictures_are_prepared_as_the_api_prepares_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play_exporter(tmp_path, monkeypatch)
    contract = export(write_checkpoint(tmp_path / "detector"), tmp_path / "out").manifest.input
    assert contract.mean == tuple(IMAGENET["mean"])
    assert contract.std == tuple(IMAGENET["std"])


def test_the_same_checkpoint_gives_the_same_bytes_and_is_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = play_exporter(tmp_path, monkeypatch)
    folder = write_checkpoint(tmp_path / "detector")
    first, second = export(folder, tmp_path / "one"), export(folder, tmp_path / "two")
    assert first.digest == second.digest
    assert "float32: up to date" in run(folder, tmp_path / "one")
    assert len(runs.read_text().splitlines()) == 2, "the exporter ran for a bundle that was there"
    (folder / "ckpt-7.data-00000-of-00001").write_bytes(b"other weights")
    assert export(folder, tmp_path / "one").digest != first.digest


def test_labels_come_from_the_label_map_beside_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play_exporter(tmp_path, monkeypatch)
    reader = 'train_input_reader { label_map_path: "/of/another/machine/labels.pbtxt" }'
    folder = write_checkpoint(tmp_path / "detector", CONFIG + reader)
    (folder / "labels.pbtxt").write_text('item { id: 1 name: "cat" } item { id: 2 name: "dog" }')
    assert export(folder, tmp_path / "out").labels() == ["cat", "dog"]


def test_the_folder_of_a_model_zoo_is_read_by_its_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a SavedModel, which is what edgeproof reads without --via-odapi."""
    runs = play_exporter(tmp_path, monkeypatch)
    folder = tmp_path / "zoo"
    write_checkpoint(folder / "checkpoint")
    (folder / "checkpoint" / "pipeline.config").rename(folder / "pipeline.config")
    tiny_networks.save_with_composite(folder / "saved_model")
    export(folder, tmp_path / "out")
    assert runs.read_text() == f"{folder / 'checkpoint' / 'ckpt-7'}\n"


def test_an_exporter_that_fails_is_told_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play_environment(tmp_path, "seq 100; echo 'ValueError: no such activation' >&2; exit 1", monkeypatch)
    with pytest.raises(ConversionError) as caught:
        run(write_checkpoint(tmp_path / "detector"), tmp_path / "out")
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("the Object Detection API's exporter failed (exit status 1). Its last words:")
    assert lines[-1] == "  ValueError: no such activation"
    assert len(lines) < 20


def test_a_network_with_other_columns_than_the_configuration_says_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play_exporter(tmp_path, monkeypatch, num_classes=3)
    with pytest.raises(NotAnSsdError, match="3 columns of class scores for 3 classes, expected one more"):
        run(write_checkpoint(tmp_path / "detector"), tmp_path / "out")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "model { ssd {",
            "model { faster_rcnn {",
            r"line 2: model: it describes a Faster R-CNN\. .* SSD detectors alone",
        ),
        ("model { ssd {", "model { center_net {", r"it describes a CenterNet\."),
        ("model { ssd {", "train_config { x {", r"it has no 'model'"),
        (
            "fixed_shape_resizer { height: 32 width: 32 }",
            "keep_aspect_ratio_resizer { }",
            r"fixed_shape_resizer alone\.",
        ),
        ("width: 32", "width: 32 resize_method: BICUBIC", r"resize_method is BICUBIC, and edgeproof knows BILINEAR"),
        ("faster_rcnn_box_coder", "mean_stddev_box_coder", r"its box_coder is mean_stddev_box_coder"),
        ("box_coder { faster_rcnn_box_coder { } }", "", r"it has no 'box_coder'"),
    ],
)
def test_what_the_exporter_cannot_export_is_told_before_anything_is_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, words: str
) -> None:
    monkeypatch.setattr(source, "ensure_environment", lambda *_: pytest.fail("it was set up"))
    assert old in CONFIG
    with pytest.raises(NotAnSsdError, match=words):
        run(write_checkpoint(tmp_path / "detector", CONFIG.replace(old, new)), tmp_path / "out")


def test_what_is_no_checkpoint_is_told(tmp_path: Path) -> None:
    folder = tiny_networks.save_with_composite(tmp_path / "detector")
    with pytest.raises(UsageError, match="Give the folder with its pipeline.config and ckpt-N files, or leave --via-"):
        run(folder, tmp_path / "out")
    (folder / "pipeline.config").write_text(CONFIG)
    with pytest.raises(NotAnSsdError, match="there is no checkpoint"):
        run(folder, tmp_path / "out")


def test_an_environment_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failed(*_: object) -> Path:
        raise OdapiEnvironmentError("The environment cannot be set up: no network")

    monkeypatch.setattr(source, "ensure_environment", failed)
    with pytest.raises(OdapiEnvironmentError, match="no network"):
        run(write_checkpoint(tmp_path / "detector"), tmp_path / "out")


def test_a_python_for_an_environment_that_is_not_asked_for_is_a_mistake(tmp_path: Path) -> None:
    words = [str(tmp_path), "--out", str(tmp_path / "out"), "--variant", "float32", "--odapi-python", "python3.11"]
    with pytest.raises(UsageError, match="add --via-odapi, or leave it out"):
        raise CliRunner().invoke(command, words).exception or AssertionError("it was accepted")
