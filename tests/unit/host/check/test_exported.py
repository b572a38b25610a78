"""The model of [check]: exported with the options of [check.export], and what a user is told who cannot."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edgeproof.bundle import Bundle, open_bundle
from edgeproof.check import exported
from edgeproof.check.exported import export_options, exported_bundles
from edgeproof.check.matrix import Wanted, cells_of
from edgeproof.cli.export import command as export_command
from edgeproof.config.boards import BoardProfile
from edgeproof.config.check import CheckConfig, read_check
from edgeproof.config.export import EXPORT_MEANINGS, ExportConfig
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.variants import Variant
from edgeproof.errors import ConversionError, ProfileError, UsageError
from edgeproof.ssd.conventions import AnchorUnits, BoxCoder, CoordinateOrder
from edgeproof.ssd.families import Family, with_family
from edgeproof.ssd.source_options import AnchorFormat, InputRange, ScoreConverter, SourceOptions
from edgeproof_agent.bundle.manifest import ColourOrder, Coordinates, InputType


class Export:
    """Keeps what it was asked for."""

    def __init__(self, *bundles: Path) -> None:
        self.bundles = bundles
        self.asked: list[tuple[Any, ...]] = []

    def __call__(self, *asked: Any) -> Sequence[Bundle]:
        self.asked.append(asked)
        return [open_bundle(bundle) for bundle in self.bundles]


CONFIG = """
[check]
model = "models/a.pb"
variants = ["float32", "int8"]
[check.export]
out = "made"
images = "pictures"
labels = "labels.txt"
input_type = "int8"
post = "none"
calibration_size = 12
box_scales = "10,10,5,5"
"""


def config(tmp_path: Path, text: str = CONFIG) -> tuple[CheckConfig, Path]:
    path = tmp_path / "edgeproof.toml"
    path.write_text(text)
    read = read_check(path)
    assert read is not None
    return read, path


def test_the_model_is_exported_as_the_file_says_from_the_files_own_folder(
    tmp_path: Path, tiny_bundles: dict[str, Path]
) -> None:
    export = Export(tiny_bundles["float32"], tiny_bundles["int8"])
    made = exported_bundles(*config(tmp_path), export=export)
    assert made == [tiny_bundles["float32"], tiny_bundles["int8"]]
    ((model, out, variants, images, options, _),) = export.asked
    assert (model, out, images) == (tmp_path / "models" / "a.pb", tmp_path / "made", tmp_path / "pictures")
    assert variants == (Variant.FLOAT32, Variant.INT8)
    assert options.labels == tmp_path / "labels.txt"
    assert options.input_type is InputType.INT8
    assert not options.postprocess.in_graph
    assert options.sampling.limit == 12
    assert options.source.box_scales == (10.0, 10.0, 5.0, 5.0)


def test_what_the_file_does_not_say_is_as_export_has_it(tmp_path: Path) -> None:
    assert export_options(ExportConfig(), tmp_path) == ExportOptions()
    assert set(EXPORT_MEANINGS) == set(ExportConfig.__struct_fields__)


def test_anchors_are_a_file_beside_the_configuration_or_a_name(tmp_path: Path) -> None:
    given = ExportConfig(anchors="anchors.npy")
    assert export_options(given, tmp_path).source.anchors == "anchors.npy"
    (tmp_path / "anchors.npy").write_bytes(b"x")
    assert export_options(given, tmp_path).source.anchors == str(tmp_path / "anchors.npy")


def test_without_a_model_nothing_is_exported(tmp_path: Path) -> None:
    export = Export()
    assert exported_bundles(*config(tmp_path, "[check]\nbundles = ['a']\n"), export=export) == []
    assert export.asked == []


def test_calibration_pictures_are_asked_for_where_they_are_written(tmp_path: Path) -> None:
    text = "[check]\nmodel = 'a.pb'\nvariants = ['float32', 'int8']\n"
    with pytest.raises(UsageError, match=r"names int8, which need .* write images = \"FOLDER\" in \[check.export\]"):
        exported_bundles(*config(tmp_path, text), export=Export())


@pytest.mark.parametrize(("installed", "kind"), [(None, UsageError), ("2.21.0", ConversionError)])
def test_a_stale_bundle_without_tensorflow_is_told_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: str | None, kind: type[Exception]
) -> None:
    def export(*_: Any) -> Sequence[Bundle]:
        raise ConversionError("TensorFlow is not installed, and converting needs it.")

    monkeypatch.setattr(exported, "tensorflow_version", lambda: installed)
    with pytest.raises(kind) as raised:
        exported_bundles(*config(tmp_path), export=export)
    if installed is None:
        assert 'pip install "edgeproof[convert]", or check bundles as they are with --bundle' in str(raised.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[check]\n[check.export]\nname = 'a'\n", "[check] names none"),
        ("[check]\nmodel = 'a.pb'\n[check.export]\nimage = 'a'\n", "Did you mean images?"),
        ("[check]\nmodel = 'a.pb'\n[check.export]\nnms = 'slow'\n", "[check.export] nms must be fast or regular"),
        ("[check]\nmodel = 'a.pb'\n[check.export]\nseed = 'x'\n", "seed must be a whole number"),
        ("[check]\nmodel = 7\n", "[check] model must be a text"),
        ("[check]\nmodel = 'a.pb'\nexport = 7\n", "[check] export must be a table, [check.export]"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ProfileError) as raised:
        config(tmp_path, text)
    assert words in str(raised.value)


def test_a_models_bundles_come_ahead_of_the_named_ones_and_each_is_measured_once(
    tmp_path: Path, tiny_bundles: dict[str, Path]
) -> None:
    read, path = config(tmp_path, f"[check]\nbundles = ['{tiny_bundles['float32']}', '{tiny_bundles['int8']}']\n")
    board = BoardProfile(host="pi", name="pi")
    cells = cells_of(read, path, Wanted(), [board], exported=[tiny_bundles["int8"]])
    assert [cell.variant for cell in cells] == ["int8", "float32"]
    typed = cells_of(read, path, Wanted(bundles=(tiny_bundles["float32"],)), [board], exported=[tiny_bundles["int8"]])
    assert [cell.variant for cell in typed] == ["float32"]


def test_every_option_reaches_the_export(tmp_path: Path) -> None:
    given = ExportConfig(
        images_root="root", name="n", seed=7, score_threshold=0.2, iou_threshold=0.3, max_detections=4,
        classes_per_detection=2, keep_float=("x",), boxes="b", scores="s", anchor_format="corners",
        input_range="0..1", input_size="10x20", score_converter="sigmoid", background=False,
    )  # fmt: skip
    options = export_options(given, tmp_path)
    assert options.images_root == tmp_path / "root"
    assert (options.name, options.sampling.seed, options.keep_float) == ("n", 7, ("x",))
    post = options.postprocess
    assert not post.use_regular_nms
    assert export_options(ExportConfig(nms="regular"), tmp_path).postprocess.use_regular_nms
    assert (post.score_threshold, post.iou_threshold) == (0.2, 0.3)
    assert (post.max_detections, post.max_classes_per_detection) == (4, 2)
    source = options.source
    assert (source.boxes, source.scores, source.input_size, source.background) == ("b", "s", (10, 20), False)
    assert (source.anchor_format, source.input_range, source.score_converter) == (
        AnchorFormat.CORNERS,
        InputRange.ZERO_TO_ONE,
        ScoreConverter.SIGMOID,
    )


def test_what_boxes_and_pixels_mean_reaches_the_export(tmp_path: Path) -> None:
    given = ExportConfig(
        box_coder="distances", box_order="xy", anchor_order="xy", anchor_units="pixels", colour_order="bgr",
        coordinates="asymmetric", mean="1,2,3", std="4", background_last=True, trust_me=True,
    )  # fmt: skip
    options = export_options(given, tmp_path)
    assert options.trust_me
    assert options.source == SourceOptions(
        box_coder=BoxCoder.DISTANCES,
        box_order=CoordinateOrder.XY,
        anchor_order=CoordinateOrder.XY,
        anchor_units=AnchorUnits.PIXELS,
        colour_order=ColourOrder.BGR,
        coordinates=Coordinates.ASYMMETRIC,
        mean=(1, 2, 3),
        std=(4, 4, 4),
        background_last=True,
    )
    family = export_options(ExportConfig(family="torchvision-ssdlite", box_order="yx"), tmp_path).source
    assert family == with_family(SourceOptions(box_order=CoordinateOrder.YX), Family.TORCHVISION_SSDLITE)
    with pytest.raises(UsageError, match=r"\[check.export\]: family is 'yolo'; edgeproof knows torchvision-ssd,"):
        export_options(ExportConfig(family="yolo"), tmp_path)


def test_the_file_names_every_option_that_the_command_has_of_a_source() -> None:
    named = {option.name for option in export_command.params} - {
        "source",
        "variants",
        "as_zip",
        "debug",
        "odapi_python",
        "via_odapi",
    }
    assert named == set(EXPORT_MEANINGS)


def test_a_bundle_by_another_way_to_it_is_the_same_one(tmp_path: Path, tiny_bundles: dict[str, Path]) -> None:
    (tmp_path / "link").symlink_to(tiny_bundles["int8"])
    read, path = config(tmp_path, "[check]\nbundles = ['link']\n")
    board = BoardProfile(host="pi", name="pi")
    assert len(cells_of(read, path, Wanted(), [board], exported=[tiny_bundles["int8"]])) == 1


def test_options_that_do_not_go_together_are_told_with_their_place(tmp_path: Path) -> None:
    text = "[check]\nmodel = 'a.pb'\n[check.export]\nnms = 'regular'\nclasses_per_detection = 2\n"
    with pytest.raises(UsageError, match=r"\[check.export\] cannot be meant: --classes-per-detection 2"):
        exported_bundles(*config(tmp_path, text), export=Export())
