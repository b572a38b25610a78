"""What each layer of int8 loses: measured by TensorFlow's debugger, shown as a table, a plot and a command."""

import csv
import math
import shlex
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgeproof.cli.display.quantization import keep_float_arguments, verdict
from edgeproof.cli.export import command
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.from_tensorflow.quantization_debug import debug_quantization
from edgeproof.convert.smoke_test import complaint
from edgeproof.convert.variants import Variant
from edgeproof.errors import EdgeproofError
from edgeproof.record.layer_errors import LayerError, QuantizationErrors
from edgeproof.report.charts.quantization import MAX_LAYERS, quantization_svg
from edgeproof.tflite.file import read_tflite
from edgeproof.tflite.layer_names import short_names
from edgeproof.verify.deviation import Deviation
from edgeproof.wording.counting import counted

pytestmark = pytest.mark.slow


def layer(name: str, relative: float) -> LayerError:
    return LayerError(name, "CONV_2D", scale=0.5, rmse=relative * 0.5, max_error=1.0)


def invoke(*arguments: Any) -> Any:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], env={"COLUMNS": "160"})


def test_layers_that_lose_much_are_the_ones_to_keep_float() -> None:
    errors = QuantizationErrors((layer("a;b c", 2.0), layer("head/d", 0.7), layer("e", 0.3)), pictures=4)
    assert verdict(errors) == "2 layers lose much: RMSE / scale is 0.7 or more, and rounding alone makes 0.29."
    assert keep_float_arguments(errors) == "--keep-float 'a;b c' --keep-float head/d"
    assert keep_float_arguments(errors, ["e", "head/d"]) == "--keep-float e --keep-float head/d --keep-float 'a;b c'"
    assert errors.to_csv().splitlines()[1] == "a;b c,CONV_2D,2,1,1,0.5"


def test_no_more_than_the_five_worst_are_to_be_kept() -> None:
    errors = QuantizationErrors(tuple(layer(f"l{n}", 9.0 - n) for n in range(8)), pictures=4)
    assert [item.name for item in errors.to_keep_float] == ["l0", "l1", "l2", "l3", "l4"]


def test_where_no_layer_stands_out_more_pictures_come_first() -> None:
    errors = QuantizationErrors((layer("a", 0.4), layer("b", 0.3), layer("c", 0.3)), pictures=4)
    assert verdict(errors).startswith("No layer stands out")
    assert "--calibration-size" in verdict(errors)
    assert keep_float_arguments(errors) == "--keep-float a --keep-float b"


@pytest.mark.parametrize("count", [1, 3, MAX_LAYERS + 5])
def test_the_plot_is_an_svg_of_the_worst_layers_the_same_every_time(count: int) -> None:
    errors = QuantizationErrors(
        tuple(layer(f"long/$name_{n}/" + "xx/" * 9 * (n % 4) + "end", 1.0 / (1 + n)) for n in range(count)), 4
    )
    svg = quantization_svg(errors)
    assert svg == quantization_svg(errors)
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert f"{counted(count, 'layer')}, 4 pictures" in svg
    assert "long/$name_0/end" in svg


def test_a_variant_that_is_worse_than_its_source_is_told_where_to_look() -> None:
    lost = Deviation(pictures=8, expected=4, lost=1, extra=0, max_score_delta=0.0, min_iou=1.0)
    assert "--debug-quantization" in str(complaint(Variant.INT8, lost))
    assert "--debug-quantization" not in str(complaint(Variant.FLOAT16, lost))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--variant", "float32", "--debug-quantization"), "--debug-quantization shows what the layers of int8 lose"),
        (("--variant", "int8", "--debug-quantization"), "--debug-quantization needs calibration pictures"),
        (("--variant", "float32", "--keep-float", "a"), "--keep-float keeps layers of int8 float"),
    ],
)
def test_mistakes_are_told_before_tensorflow_starts(
    tiny_frozen_graph: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = invoke(tiny_frozen_graph, "--out", tmp_path / "out", *arguments)
    assert isinstance(result.exception, EdgeproofError)
    assert message in str(result.exception)


@pytest.mark.parametrize("arguments", [("--debug-quantization",), ("--keep-float", "a")])
def test_a_finished_file_can_neither_be_debugged_nor_mixed(
    tiny_bundles: dict[str, Path], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    file = tiny_bundles["int8"] / "model.tflite"
    result = invoke(file, "--out", tmp_path / "out", "--variant", "int8", *arguments)
    assert isinstance(result.exception, EdgeproofError)
    assert " already, " in str(result.exception)
    assert arguments[0] in str(result.exception)


@pytest.mark.tensorflow
def test_every_layer_is_measured_and_named_as_keep_float_takes_it(
    tiny_frozen_graph: Path, tiny_pictures: Path, tiny_bundles: dict[str, Path]
) -> None:
    errors = debug_quantization(tiny_frozen_graph, tiny_pictures)
    exported = read_tflite((tiny_bundles["int8"] / "model.tflite").read_bytes())
    assert {item.name for item in errors.layers} == set(short_names(exported.layers).values())
    assert [item.relative for item in errors.layers] == sorted((item.relative for item in errors.layers), reverse=True)
    # The tiny SSD is linear and well calibrated: nothing is lost but by rounding.
    assert 0.2 < errors.layers[0].relative < 0.5
    assert errors.pictures == 12
    assert not errors.suspicious
    reshape = next(item for item in errors.layers if item.operator == "RESHAPE")
    assert math.isclose(reshape.relative, 0, abs_tol=1e-3)


@pytest.mark.tensorflow
def test_broken_pictures_are_left_out(tiny_frozen_graph: Path, tiny_pictures: Path, tmp_path: Path) -> None:
    pictures = Path(shutil.copytree(tiny_pictures, tmp_path / "pictures"))
    (pictures / "aaa.jpg").write_bytes(b"broken")
    assert debug_quantization(tiny_frozen_graph, pictures).pictures == 12


@pytest.mark.tensorflow
def test_a_layer_that_is_kept_float_is_no_longer_among_the_measured(
    tiny_frozen_graph: Path, tiny_pictures: Path
) -> None:
    options = ExportOptions(keep_float=("BoxPredictor_0/ClassPredictor",))
    errors = debug_quantization(tiny_frozen_graph, tiny_pictures, options)
    assert "BoxPredictor_0/ClassPredictor" not in {item.name for item in errors.layers}
    assert "BoxPredictor_0/BoxEncodings" in {item.name for item in errors.layers}


@pytest.mark.tensorflow
def test_the_command_ends_with_the_layers_to_keep_which_it_then_takes(
    tiny_frozen_graph: Path, tiny_pictures: Path, tmp_path: Path
) -> None:
    arguments = [tiny_frozen_graph, "--variant", "int8", "--images", tiny_pictures]
    result = invoke(*arguments, "--out", tmp_path / "a", "--debug-quantization")
    assert result.exit_code == 0, result.output
    with (tmp_path / "a" / "int8-quantization.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == 6
    assert all(row["layer"] in result.output for row in rows)
    assert "<svg" in (tmp_path / "a" / "int8-quantization.svg").read_text()
    last = result.output.splitlines()[-1]
    assert last.startswith("Export again with: --keep-float ")
    keep = shlex.split(last.removeprefix("Export again with: "))
    mixed = invoke(*arguments, "--out", tmp_path / "b", *keep)
    assert mixed.exit_code == 0, mixed.output
    assert "2 of 6 layers stayed float32, the others are int8" in mixed.output
