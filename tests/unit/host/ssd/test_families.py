"""Presets: a family's conventions fill what was not said, and nothing that was."""

from pathlib import Path
from typing import Any

import pytest

from edgeproof.errors import UsageError
from edgeproof.ssd.conventions import BoxCoder, CoordinateOrder
from edgeproof.ssd.families import Family, with_family
from edgeproof.ssd.source_options import InputRange, ScoreConverter, SourceOptions, parse_channels
from tests.support.library_records import frozen_records, require_read_alike

VECTORS = frozen_records(Path(__file__).parent / "library_vectors.json")


@pytest.mark.tensorflow
@pytest.mark.parametrize("family", VECTORS)
def test_a_preset_reads_heads_as_the_librarys_own_decoder_does(tmp_path: Path, family: str) -> None:
    """The numbers are the library's, kept by tests/families/freeze.py."""
    require_read_alike(VECTORS[family], Family(family), tmp_path)


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("torchvision-ssdlite", {"input_range": InputRange.MINUS_ONE_TO_ONE}),
        ("torchvision-ssd300", {"mean": (0.48235 * 255, 0.45882 * 255, 0.40784 * 255)}),
    ],
)
def test_torchvision_ssd_reads_both_of_its_kind_when_their_input_is_said(
    tmp_path: Path, record: str, said: dict[str, Any]
) -> None:
    require_read_alike(VECTORS[record], Family.TORCHVISION_SSD, tmp_path, **said)


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("family", "other"),
    [
        (Family.KERAS_CV, Family.KERAS_HUB),
        (Family.KERAS_HUB, Family.TORCHVISION_SSD300),
        (Family.EFFICIENTDET, Family.EFFICIENTDET_LITE),
    ],
)
def test_vectors_tell_another_familys_preset(tmp_path: Path, family: Family, other: Family) -> None:
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        require_read_alike(VECTORS[family.value], other, tmp_path)


@pytest.mark.parametrize("family", Family)
def test_every_family_says_coder_order_scales_and_background(family: Family) -> None:
    options = with_family(SourceOptions(), family)
    # Of a family that says its anchors' format alone the values tell the rest.
    assert None not in (options.box_coder, options.box_order, options.box_scales, options.background)


def test_what_was_said_goes_before_the_family() -> None:
    said = SourceOptions(box_order=CoordinateOrder.YX, box_scales=(1, 2, 3, 4), input_range=InputRange.BYTES)
    options = with_family(said, Family.KERAS_RETINANET)
    assert (options.box_order, options.box_scales) == (CoordinateOrder.YX, (1, 2, 3, 4))
    assert (options.input_range, options.mean, options.std) == (InputRange.BYTES, None, None)
    assert options.box_coder is BoxCoder.LINEAR_CORNERS
    assert options.usual_converter is ScoreConverter.SIGMOID


def test_a_mean_that_was_said_leaves_the_familys_range_out() -> None:
    options = with_family(SourceOptions(mean=(1, 2, 3)), Family.KERAS_CV)
    assert options.input_range is None
    assert options.normalisation == ((1, 2, 3), (1, 1, 1))


def test_channels_are_read_and_mistakes_told() -> None:
    assert parse_channels("127.5", "--mean") == (127.5, 127.5, 127.5)
    assert parse_channels("1,2,3", "--mean") == (1, 2, 3)
    with pytest.raises(UsageError, match=r"--mean is '1,2'; give one number, or one a channel"):
        parse_channels("1,2", "--mean")


def test_contradictions_are_told() -> None:
    with pytest.raises(UsageError, match="--input-range says mean and std already"):
        SourceOptions(input_range=InputRange.BYTES, mean=(1, 1, 1))
    with pytest.raises(UsageError, match=r"--std is \(1, 0, 1\)"):
        SourceOptions(std=(1, 0, 1))
    with pytest.raises(UsageError, match="--background-last goes without"):
        SourceOptions(background=True, background_last=True)


def test_an_option_that_a_source_would_pass_over_is_refused() -> None:
    with pytest.raises(UsageError, match=r"m.tflite: --box-order, --std cannot be said of it: it is so"):
        SourceOptions(box_order=CoordinateOrder.XY, std=(1, 1, 1)).require_none_said(
            "m.tflite", "it is so", "box_coder", "box_order", "std"
        )


def test_a_background_in_the_last_column_goes_before_the_familys() -> None:
    options = with_family(SourceOptions(background_last=True), Family.TORCHVISION_SSD)
    assert (options.background, options.background_last) == (None, True)
