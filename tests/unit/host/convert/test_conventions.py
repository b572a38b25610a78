"""An export is stopped when pictures contradict what was said of boxes, input or background, and goes on otherwise."""

from dataclasses import replace
from pathlib import Path

import pytest

from edgeproof.bundle import Bundle
from edgeproof.convert.export import export
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.variants import Variant
from edgeproof.errors import ConventionError
from edgeproof.ssd.conventions import CoordinateOrder
from edgeproof.ssd.families import Family, with_family
from edgeproof.ssd.source_options import SourceOptions
from edgeproof.wording.progress import Progress
from edgeproof_agent.bundle.manifest import ColourOrder
from tests.support.networks import planted_conventions

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

ODAPI = with_family(SourceOptions(), Family.ODAPI)


def try_export(
    folder: Path,
    model: Path,
    source: SourceOptions,
    pictures: Path | None,
    trust_me: bool = False,
    x_first: bool = False,
) -> tuple[Bundle, list[str]]:
    """float32, with what was told."""
    anchors = planted_conventions.write_anchors(folder / "anchors.npy", x_first)
    options = ExportOptions(source=replace(source, anchors=str(anchors)), trust_me=trust_me)
    told: list[str] = []

    def listen(progress: Progress) -> None:
        told.append(progress.text)

    return export(model, folder / "out", [Variant.FLOAT32], pictures, options, listen)[0], told


def test_a_transposed_model_is_stopped_and_what_it_asks_for_is_exported(tmp_path: Path) -> None:
    model = planted_conventions.save(tmp_path / "model", x_first=True)
    pictures = planted_conventions.draw(tmp_path / "pictures")
    with pytest.raises(ConventionError, match=r"support 0\.\d+ for .*--box-order xy .*--anchor-order xy.* --trust-me"):
        try_export(tmp_path, model, ODAPI, pictures, x_first=True)
    assert not (tmp_path / "out" / "float32").exists()
    said = replace(ODAPI, box_order=CoordinateOrder.XY, anchor_order=CoordinateOrder.XY)
    bundle, told = try_export(tmp_path, model, said, pictures, x_first=True)
    assert bundle.manifest.provenance["conventions"]["measured"] is True
    assert bundle.manifest.provenance["conventions"]["boxes"]["best"][0]["said"] is True
    assert any("its boxes were measured on 3 pictures" in words for words in told)


def test_boxes_alone_transposed_are_stopped_and_trust_goes_on(tmp_path: Path) -> None:
    model = planted_conventions.save(tmp_path / "model", x_first=True)
    pictures = planted_conventions.draw(tmp_path / "pictures")
    with pytest.raises(ConventionError, match="--box-order xy --anchor-format centre --anchor-order yx"):
        try_export(tmp_path, model, ODAPI, pictures)
    bundle, told = try_export(tmp_path, model, ODAPI, pictures, trust_me=True)
    assert any("gone on with --trust-me" in words for words in told)
    assert "--box-order xy" in bundle.manifest.provenance["conventions"]["contradiction"]


def test_a_network_that_wants_bgr_is_stopped(tmp_path: Path) -> None:
    # It sees the first channel alone, and the patches are blue.
    model = planted_conventions.save(tmp_path / "model", channel=0)
    pictures = planted_conventions.draw(tmp_path / "pictures", colour=(255, 0, 0))
    with pytest.raises(ConventionError, match=r"its input .*--colour-order bgr.*, 0\.00 for what was said"):
        try_export(tmp_path, model, ODAPI, pictures)
    bundle, _ = try_export(tmp_path, model, replace(ODAPI, colour_order=ColourOrder.BGR), pictures)
    assert bundle.manifest.input.colour_order is ColourOrder.BGR


def test_what_nobody_said_is_exported_as_measured(tmp_path: Path) -> None:
    """The same network as above, of which only the anchors and the scores are said."""
    model = planted_conventions.save(tmp_path / "model", x_first=True)
    pictures = planted_conventions.draw(tmp_path / "pictures")
    bundle, told = try_export(tmp_path, model, SourceOptions(background=True), pictures, x_first=True)
    conventions = bundle.manifest.provenance["conventions"]
    assert conventions["origin"]["boxes"] == "measured"
    assert "--box-order xy" in conventions["taken"]
    assert any("taken as measured on 3 pictures: --box-coder centre --box-order xy" in words for words in told)
    said = replace(ODAPI, box_order=CoordinateOrder.XY, anchor_order=CoordinateOrder.XY)
    (tmp_path / "said").mkdir()
    expected, _ = try_export(tmp_path / "said", model, said, pictures, x_first=True)
    assert bundle.model_path.read_bytes() == expected.model_path.read_bytes()


def test_what_is_usual_is_a_warning_without_pictures_and_named_in_the_bundle(tmp_path: Path) -> None:
    model = planted_conventions.save(tmp_path / "model")
    bundle, told = try_export(tmp_path, model, SourceOptions(background=True), None)
    (warning,) = (words for words in told if "taken for granted" in words)
    assert "--box-order yx" in warning
    assert "--input-range=-1..1" in warning
    assert bundle.manifest.provenance["conventions"]["origin"] == {"boxes": "assumed", "input": "assumed"}


def test_classes_shifted_by_a_background_that_the_network_does_not_have_are_stopped(tmp_path: Path) -> None:
    model = planted_conventions.save(tmp_path / "model", background="none")
    pictures = planted_conventions.draw(tmp_path / "pictures")
    with pytest.raises(ConventionError, match="surest of something on 3 pictures, as a class is: --no-background"):
        try_export(tmp_path, model, ODAPI, pictures)
    bundle, _ = try_export(tmp_path, model, replace(ODAPI, background=False), pictures)
    assert bundle.manifest.provenance["conventions"]["contradiction"] is None


def test_classes_shifted_by_a_background_in_the_last_column_are_stopped(tmp_path: Path) -> None:
    model = planted_conventions.save(tmp_path / "model", background="last")
    pictures = planted_conventions.draw(tmp_path / "pictures")
    with pytest.raises(ConventionError, match="the last column's: --background-last"):
        try_export(tmp_path, model, ODAPI, pictures)
    last = replace(ODAPI, background=None, background_last=True)
    bundle, _ = try_export(tmp_path, model, last, pictures)
    assert bundle.manifest.provenance["conventions"]["contradiction"] is None


def test_a_background_that_was_denied_is_found_in_the_first_column(tmp_path: Path) -> None:
    model = planted_conventions.save(tmp_path / "model")
    pictures = planted_conventions.draw(tmp_path / "pictures")
    with pytest.raises(ConventionError, match="its background is contradicted"):
        try_export(tmp_path, model, replace(ODAPI, background=False), pictures)


def test_a_second_export_finds_the_bundle_with_its_measurement_up_to_date(tmp_path: Path) -> None:
    model = planted_conventions.save(tmp_path / "model")
    pictures = planted_conventions.draw(tmp_path / "pictures")
    try_export(tmp_path, model, ODAPI, pictures)
    _, told = try_export(tmp_path, model, ODAPI, pictures)
    assert told[-1] == "float32: up to date"
