"""Mistakes of exporting, typed in: each is told in our words, with what mends it, before TensorFlow starts."""

import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgeproof.cli.export import command
from edgeproof.errors import EdgeproofError
from edgeproof.tflite.file import read_tflite
from edgeproof.tflite.output_map import map_outputs
from edgeproof.tflite.problems import file_problems


@pytest.fixture(autouse=True)
def no_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # as if it were not installed


def told(source: Path, out: Path, *arguments: Any) -> str:
    """What `edgeproof export` says to a mistake."""
    result = CliRunner().invoke(command, [str(item) for item in (source, "--out", out, *arguments)])
    if isinstance(result.exception, EdgeproofError):
        return str(result.exception)
    assert result.exit_code == 2, result.exception
    return result.output


@pytest.mark.parametrize("variant", ["float32", "float16", "dynamic", "int16x8"])
def test_integer_input_without_full_integer_quantization(
    tiny_frozen_graph: Path, tiny_pictures: Path, tmp_path: Path, variant: str
) -> None:
    """`The inference_input_type and inference_output_type must be tf.float32.`"""
    arguments = ("--variant", variant, "--images", tiny_pictures, "--input-type", "uint8")
    text = told(tiny_frozen_graph, tmp_path, *arguments)
    assert text == (
        f"{variant} has float32 input. Only a full-integer model reads uint8: ask for --variant int8, "
        "with calibration pictures (--images)."
    )


@pytest.mark.parametrize("variant", ["int8", "int16x8", "all"])
def test_full_integer_quantization_without_pictures(tiny_frozen_graph: Path, tmp_path: Path, variant: str) -> None:
    """For full integer quantization, a `representative_dataset` must be specified."""
    text = told(tiny_frozen_graph, tmp_path, "--variant", variant)
    assert "calibration pictures: give a folder with 100 or so pictures" in text
    assert "--images" in text


def test_a_folder_without_pictures(tiny_frozen_graph: Path, tmp_path: Path) -> None:
    """TensorFlow says nothing, and writes a float-sized model."""
    (tmp_path / "empty").mkdir()
    text = told(tiny_frozen_graph, tmp_path, "--variant", "int8", "--images", tmp_path / "empty")
    assert "the folder holds no picture" in text
    (tmp_path / "empty" / "a.jpg").write_bytes(b"broken")
    text = told(tiny_frozen_graph, tmp_path, "--variant", "int8", "--images", tmp_path / "empty")
    assert "its only picture cannot be read" in text


def test_a_picture_instead_of_a_folder(tiny_frozen_graph: Path, tiny_pictures: Path, tmp_path: Path) -> None:
    """`'list' object is not callable`, `You need to provide either a dictionary ...`: not the data set it wants."""
    text = told(tiny_frozen_graph, tmp_path, "--variant", "int8", "--images", next(tiny_pictures.iterdir()))
    assert "it is a file. Give the folder that holds the pictures, or a COCO .json file, with --images." in text


def test_a_folder_is_looked_at_even_where_nothing_is_calibrated(tiny_frozen_graph: Path, tmp_path: Path) -> None:
    text = told(tiny_frozen_graph, tmp_path, "--variant", "float32", "--images", tmp_path / "nowhere")
    assert "there is no such folder" in text


def test_a_batch(tiny_bundles: dict[str, Path]) -> None:
    """Converts; `input_box_encodings->dims->data[0] != kBatchSize` when run. The check after converting finds it."""
    data = bytearray((tiny_bundles["float32"] / "model.tflite").read_bytes())
    shape = b"".join(side.to_bytes(4, "little") for side in (1, 64, 64, 3))
    assert shape in data
    data = data.replace(shape, (4).to_bytes(4, "little") + shape[4:])
    file = read_tflite(bytes(data))
    assert "its input is a batch of 4 pictures ([4, 64, 64, 3]): export with batch 1" in list(
        file_problems(file, map_outputs(file))
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--variant", "uint8"), "A model with uint8 input is --variant int8 --input-type uint8"),
        (("--variant", "fp16"), "It is called float16 here"),
        (("--variant", "int8", "--input-type", "float32"), "'float32' is not one of 'uint8', 'int8'"),
        (("--variant", "float32", "--score-threshold", "50"), "--score-threshold is 50.0; it must be at least 0"),
        (("--variant", "float32", "--iou-threshold", "0"), "--iou-threshold is 0.0; it must be above 0"),
        (("--variant", "float32", "--max-detections", "0"), "--max-detections is 0; it must be between"),
        (("--variant", "float32", "--nms", "soft"), "'soft' is not one of 'fast', 'regular'"),
        (
            ("--variant", "float32", "--nms", "regular", "--classes-per-detection", "2"),
            "--classes-per-detection 2 goes with --nms fast alone",
        ),
        (("--variant", "float32", "--post", "yolo"), "'yolo' is not one of 'graph', 'none'"),
        (("--variant", "int8", "--calibration-size", "0"), "0 is not in the range x>=1"),
    ],
)
def test_an_option_that_cannot_be(
    tiny_frozen_graph: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    assert words in told(tiny_frozen_graph, tmp_path, *arguments)
