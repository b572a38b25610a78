"""From `[check]` to cells: which there are, what they are called, and what is said of one that cannot be meant."""

import pickle
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeproof.bundle import open_bundle
from edgeproof.check.cell import Cell
from edgeproof.check.kept_cells import cell_key
from edgeproof.check.matrix import Wanted, cells_of, gates_of, only
from edgeproof.config.boards import BoardProfile
from edgeproof.config.check import CheckConfig, read_check
from edgeproof.errors import DataSetError, ProfileError, UsageError
from edgeproof.verify.gate_text import GateError
from tests.support.label_files import write_coco

PI = BoardProfile(host="pi.local", name="pi")
ROCK = BoardProfile(host="rock.local", name="rock")


@pytest.fixture
def config_file(tmp_path: Path, tiny_bundles: dict[str, Path]) -> Path:
    (tmp_path / "bundles").mkdir()
    for variant in ("float32", "int8"):
        (tmp_path / "bundles" / variant).symlink_to(tiny_bundles[variant])
    return tmp_path / "edgeproof.toml"


def cells(path: Path, text: str, wanted: Wanted = Wanted(), boards: tuple[BoardProfile, ...] = (PI,)) -> list[Cell]:  # noqa: B008
    path.write_text(text)
    config = read_check(path)
    assert config is not None
    return cells_of(config, path, wanted, boards)


MATRIX = """
[check]
bundles = ["bundles/*"]
runtimes = ["tflite-runtime", "ai-edge-litert"]
threads = [1, 4]
runs = 9
[check.gates]
total = ["p50 < 100 ms", "p99 < 200 ms"]
"""


def test_a_cell_is_made_for_each_bundle_board_runtime_and_number_of_threads(config_file: Path) -> None:
    found = cells(config_file, MATRIX, boards=(PI, ROCK))
    assert len(found) == 2 * 2 * 2 * 2
    assert found[0].title == "float32 on pi, tflite-runtime, 1 thread"
    assert found[-1].title == "int8 on rock, ai-edge-litert, 4 threads"
    assert len({cell.title for cell in found}) == 16
    assert {(cell.runs, cell.first_runs) for cell in found} == {(9, 9)}


def test_cores_and_a_delegate_are_for_every_cell_and_named_by_it(config_file: Path) -> None:
    text = MATRIX.replace("runs = 9", 'runs = 9\ncores = "big"\ndelegate = "/opt/libedgetpu.so.1"')
    found = cells(config_file, text)
    assert {(cell.cores, cell.delegate) for cell in found} == {("big", "/opt/libedgetpu.so.1")}
    assert found[0].title == "float32 on pi, tflite-runtime, 1 thread, big cores, libedgetpu.so.1"
    typed = cells(config_file, text, Wanted(cores="all", delegate="libvx.so"))
    assert typed[0].title == "float32 on pi, tflite-runtime, 1 thread, libvx.so"
    keys = {cell_key(cell) for cell in (found[0], typed[0], replace(found[0], delegate=None))}
    assert len(keys) == 3, "what was measured with one is not taken for the other"


def test_without_a_number_of_runs_it_is_what_the_percentiles_need(config_file: Path) -> None:
    assert {cell.first_runs for cell in cells(config_file, MATRIX.replace("runs = 9\n", ""))} == {662}


def test_a_cell_travels_as_plain_data(config_file: Path) -> None:
    found = cells(config_file, MATRIX)
    assert pickle.loads(pickle.dumps(found)) == found


def test_a_board_and_a_bundle_alone_are_enough(tiny_bundles: dict[str, Path]) -> None:
    wanted = Wanted((PI,), (tiny_bundles["int8"],), gates=("size < 6 MB",))
    (cell,) = cells_of(CheckConfig(), None, wanted, ())
    assert cell.title == "int8 on pi"
    assert [gate.text for gate in cell.gates] == ["size < 6 MB"]
    assert cell.first_runs == 64


def test_what_is_typed_goes_before_what_is_written(config_file: Path, tiny_bundles: dict[str, Path]) -> None:
    wanted = Wanted((ROCK,), (tiny_bundles["int8"],), gates=("size < 1 MB",), runs=7)
    found = cells(config_file, MATRIX + "[boards.x]\nhost = 'y'\n", wanted)
    assert {(cell.board.name, cell.variant, cell.runs, cell.first_runs) for cell in found} == {("rock", "int8", 7, 7)}


def test_pictures_come_along_only_where_parity_is_asked_for(config_file: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos" / "a.png"), np.zeros((8, 8, 3), np.uint8))
    text = '[check]\nbundles = ["bundles/int8"]\npictures = ["photos"]\n[check.gates]\n'
    (with_parity,) = cells(config_file, text + 'parity = "differing <= 1 %"')
    assert [file.name for file in with_parity.pictures] == ["a.png"]
    (without,) = cells(config_file, text + 'size = "< 1 MB"')
    assert without.pictures == ()


def test_what_is_no_picture_is_told(config_file: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos" / "a.png"), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "photos" / "b.heic").write_bytes(b"from a telephone")
    config_file.write_text(MATRIX)
    config = read_check(config_file)
    assert config is not None
    wanted = Wanted(pictures=(tmp_path / "photos",), gates=("parity differing <= 1 %",))
    notes: list[str] = []
    found = cells_of(config, config_file, wanted, (PI,), notes.append)
    assert [file.name for file in found[0].pictures] == ["a.png"]
    assert [note for note in notes if "heic" in note]


def test_pictures_that_no_gate_asks_for_are_an_error_when_they_were_typed(config_file: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pictures are for a gate on parity"):
        cells(config_file, MATRIX, Wanted(pictures=(tmp_path,)))


def test_only_leaves_the_cells_that_have_all_words(config_file: Path) -> None:
    found = cells(config_file, MATRIX)
    assert [cell.title for cell in only(found, ["INT8", "litert", "4"])] == ["int8 on pi, ai-edge-litert, 4 threads"]
    assert only(found, []) == found
    with pytest.raises(UsageError, match="--only int9 leaves no cell of these:\n  float32 on pi, tflite"):
        only(found, ["int9"])


def test_a_gate_that_means_nothing_is_named_with_its_line(config_file: Path) -> None:
    with pytest.raises(ProfileError) as refused:
        cells(config_file, MATRIX + 'invoke = "p95 < 80 msec"\n')
    assert f"{config_file}, line 9 is not right: [check.gates] invoke: " in str(refused.value)
    assert "Did you mean ms?" in str(refused.value)


def test_an_unknown_metric_is_named_with_its_line(config_file: Path) -> None:
    with pytest.raises(ProfileError, match=r"line 9 is not right: \[check.gates\] totl: .*Did you mean total\?"):
        cells(config_file, MATRIX + 'totl = "p95 < 80 ms"\n')


def test_a_typed_gate_that_means_nothing_is_refused() -> None:
    with pytest.raises(GateError, match="there is no metric 'totl'"):
        gates_of({}, None, ["totl p95 < 80 ms"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[check]\nbundle = []", "[check] there is no 'bundle'. Did you mean bundles?"),
        ('[check]\nruntimes = ["litert"]', "[check] runtimes must be a list of tflite-runtime and ai-edge-litert"),
        ("[check]\nthreads = [0]", "[check] threads must be a list of whole numbers from 1 to 64"),
        ("[check]\nthreads = 4", "[check] threads must be a list"),
        ('[check]\ncores = "little"', "[check] cores must be all or big"),
        ("[check]\ndelegate = 1", "[check] delegate must be a text: a name that the boards' loader finds"),
        ("[check]\nseconds = 0", "[check] seconds must be a number of seconds, above 0"),
        ("[check]\nmin_score = 50", "[check] min_score must be a number from 0 to 1"),
        ("[check]\ngates = 5", "[check] gates must be a table, [check.gates]"),
        ("[check.gates]\nsize = 6", "[check] gates must be a table, [check.gates], of texts and lists of texts"),
        ("check = 5", "check is a table, [check]"),
        ('[check]\nbundles = ["nothing/*"]', "[check] bundles names nothing/*, and there is nothing like it"),
    ],
)
def test_what_cannot_be_meant_is_an_error_that_says_what_can(config_file: Path, text: str, words: str) -> None:
    with pytest.raises(ProfileError) as refused:
        cells(config_file, text)
    assert words in str(refused.value)
    assert str(config_file) in str(refused.value) or "nothing/*" in words


def test_without_bundle_or_board_the_missing_one_is_named(config_file: Path) -> None:
    with pytest.raises(UsageError, match="there is no bundle to check: name one with --bundle"):
        cells(config_file, "[check]")
    with pytest.raises(UsageError, match="there is no board to check on"):
        cells(config_file, MATRIX, boards=())


def test_a_file_without_check_has_none(tmp_path: Path) -> None:
    (tmp_path / "edgeproof.toml").write_text("")
    assert read_check(tmp_path / "edgeproof.toml") is None


ACCURATE = """
[check]
bundles = ["bundles/*"]
data = "set/val.json"
classes = { bike = "red square", person = "blue square" }
[check.gates]
accuracy = "map >= 0.4"
"""


def test_a_data_set_is_read_where_a_gate_needs_it_and_mapped_to_every_bundle(config_file: Path) -> None:
    labels = open_bundle(config_file.parent / "bundles" / "int8").labels()
    write_coco(config_file.parent / "set")
    text = ACCURATE.replace("red square", labels[0]).replace("blue square", labels[1])
    found = cells(config_file, text)
    assert [len(cell.data_set.pictures) if cell.data_set else 0 for cell in found] == [3, 3]
    assert pickle.loads(pickle.dumps(found[0])) == found[0]
    without = cells(config_file, text.replace('accuracy = "map >= 0.4"', 'size = "< 1 MB"'))
    assert [cell.data_set for cell in without] == [None, None]
    with pytest.raises(DataSetError, match="no class of the data set"):
        cells(config_file, ACCURATE.replace("classes = ", "# "))


def test_a_data_set_without_a_gate_on_accuracy_is_a_mistake(config_file: Path, tiny_bundles: dict[str, Path]) -> None:
    wanted = Wanted(bundles=(tiny_bundles["int8"],), gates=("size < 1 MB",), data=Path("val.json"))
    with pytest.raises(UsageError, match="a data set is for a gate on accuracy"):
        cells(config_file, "[check]\n", wanted)


def test_a_data_set_that_is_not_there_is_said_ahead_of_measuring(
    config_file: Path, tiny_bundles: dict[str, Path]
) -> None:
    wanted = Wanted(bundles=(tiny_bundles["int8"],), gates=("accuracy map >= 0.4",), data=Path("gone.json"))
    with pytest.raises(DataSetError, match=r"gone\.json: there is no such file"):
        cells(config_file, "[check]\n", wanted)
    assert cells(config_file, "[check]\n", replace(wanted, data=None))[0].data_set is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("data = 7", "data must be a text: the path of a labelled data set"),
        ("classes = ['a']", "classes must be a table of classes"),
        ("common_classes = 1", "common_classes must be true or false"),
        ("dat = 'x'", "dat"),
    ],
)
def test_what_cannot_be_meant_of_a_data_set_is_named(config_file: Path, line: str, words: str) -> None:
    with pytest.raises(ProfileError, match=words):
        cells(config_file, f"[check]\n{line}\n")
