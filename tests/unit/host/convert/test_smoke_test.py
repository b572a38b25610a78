"""How far a variant may be from its source before a user is warned of it."""

import pytest

from edgeproof.convert.smoke_test import complaint
from edgeproof.convert.variants import Variant
from edgeproof.verify.deviation import Deviation

LIMITS = [
    (Variant.FLOAT32, 0.002, 0.995),
    (Variant.FLOAT16, 0.02, 0.97),
    (Variant.DYNAMIC, 0.1, 0.85),
    (Variant.INT8, 0.1, 0.85),
    (Variant.INT16X8, 0.05, 0.9),
]


def deviation(score: float = 0.0, iou: float | None = 1.0, lost: int = 0, extra: int = 0) -> Deviation:
    return Deviation(pictures=7, expected=9, lost=lost, extra=extra, max_score_delta=score, min_iou=iou)


def test_every_variant_has_its_limits_here() -> None:
    assert {variant for variant, *_ in LIMITS} == set(Variant)


@pytest.mark.parametrize(("variant", "score", "iou"), LIMITS, ids=[variant.value for variant, *_ in LIMITS])
def test_what_is_within_the_limits_is_as_good_as_the_source(variant: Variant, score: float, iou: float) -> None:
    assert complaint(variant, deviation(score, iou)) is None
    assert complaint(variant, deviation(score, None)) is None
    for worse in (deviation(1.05 * score, iou), deviation(score, iou - 0.002), deviation(lost=1), deviation(extra=1)):
        words = complaint(variant, worse)
        assert words is not None
        assert words.startswith(f"{variant.value} is not as good as its source: ")
        assert "What helps: " in words


def test_of_a_finished_file_no_step_is_advised_that_takes_its_source() -> None:
    of_source, of_file = (complaint(Variant.INT8, deviation(lost=1), finished) for finished in (False, True))
    assert of_source is not None
    assert of_file is not None
    assert of_source != of_file
