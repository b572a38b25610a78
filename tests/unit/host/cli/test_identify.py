"""`edgeproof identify` prints ranked hypotheses with their options, draws two, and says when it cannot tell."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edgeproof.cli.identify import command
from edgeproof.errors import PictureFolderError, UsageError
from tests.support.networks import planted_conventions

pytestmark = pytest.mark.tensorflow


def run(folder: Path, *arguments: object, x_first: bool = False) -> Result:
    anchors = planted_conventions.write_anchors(folder / "anchors.npy", x_first)
    said = ["--family", "odapi", "--anchors", anchors, *arguments]
    return CliRunner().invoke(command, [str(part) for part in said], obj={}, catch_exceptions=False)


def test_it_names_the_options_of_a_transposed_network_and_draws_both(tmp_path: Path) -> None:
    model = planted_conventions.save(tmp_path / "model", x_first=True)
    pictures = planted_conventions.draw(tmp_path / "pictures")
    drawn = tmp_path / "best.png"
    result = run(tmp_path, model, "--images", pictures, "--drawn", drawn, x_first=True)
    assert result.exit_code == 0, result.output
    words = " ".join(result.output.split())
    told = re.search(r"boxes: measured on 3 pictures, margin 0\.\d\d: (.*) input: (.*)", words)
    assert told is not None, words
    assert (
        told[1] == "--box-coder centre --box-order xy --anchor-format centre --anchor-order xy --box-scales 10,10,5,5"
    )
    assert told[2].startswith("cannot tell: the pictures do not rule out")
    picture = cv2.imread(str(drawn))
    assert picture is not None
    assert picture.shape == (64, 64 + 8 + 64, 3)
    assert np.any(picture[:, :64] != picture[:, 72:])


def test_pictures_without_anything_on_them_cannot_tell(tmp_path: Path) -> None:
    model = planted_conventions.save(tmp_path / "model")
    pictures = planted_conventions.draw(tmp_path / "pictures", colour=(0, 0, 0))
    result = run(tmp_path, model, "--images", pictures)
    assert result.exit_code == 3
    assert "cannot tell: it is sure of something on 0 pictures" in " ".join(result.output.split())


def test_a_finished_file_and_a_folder_without_pictures_are_refused_with_a_way_on(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(b"\x1c\0\0\0TFL3" + bytes(64))
    with pytest.raises(UsageError, match="Give the model that it was made from"):
        run(tmp_path, tmp_path / "m.tflite", "--images", tmp_path)
    model = planted_conventions.save(tmp_path / "model")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "broken.png").write_bytes(b"no picture")
    with pytest.raises(PictureFolderError, match="none of its pictures can be read"):
        run(tmp_path, model, "--images", tmp_path / "pictures")


def test_labels_decide_what_other_pictures_leave_and_tell_the_background(tmp_path: Path) -> None:
    """A class too many, which nothing without labels shows here: patches are the network's class 0, called class 1."""
    model = planted_conventions.save(tmp_path / "model", background="last")
    pictures = planted_conventions.draw(tmp_path / "pictures", count=8)
    labels = planted_conventions.label(pictures, tmp_path / "labels.json", ["patch", "nothing"])
    names = tmp_path / "labels.txt"
    names.write_text("patch\nnothing\n")
    result = run(tmp_path, model, "--labelled", labels, "--images-root", pictures, "--labels", names)
    words = " ".join(result.output.split())
    assert result.exit_code == 0, result.output
    assert "on 8 labelled pictures with 8 objects: 4 of 12 hypotheses are left, margin of AP 0.000" in words
    assert "1.000 --box-coder centre --box-order yx" in words
    # The network is white's alone, which every input but bytes shows as well.
    assert words.endswith(
        "boxes: --box-coder centre --box-order yx --anchor-format centre --anchor-order yx --box-scales 10,10,5,5 "
        "input: cannot tell between those that are left: give more labelled pictures background: --background-last"
    )


def test_few_labels_cannot_tell_and_nothing_to_measure_with_is_said(tmp_path: Path) -> None:
    model = planted_conventions.save(tmp_path / "model")
    pictures = planted_conventions.draw(tmp_path / "pictures")
    labels = planted_conventions.label(pictures, tmp_path / "labels.json", ["patch", "nothing"])
    names = tmp_path / "labels.txt"
    names.write_text("patch\nnothing\n")
    result = run(tmp_path, model, "--labelled", labels, "--images-root", pictures, "--labels", names)
    assert result.exit_code == 3
    assert "on labels: cannot tell: 3 labelled pictures, and 5 are needed" in " ".join(result.output.split())
    with pytest.raises(UsageError, match="give pictures with --images, or labelled ones"):
        run(tmp_path, model)
