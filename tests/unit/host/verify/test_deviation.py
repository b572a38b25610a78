"""How far a converted model is from its source is measured on detections, and too far is told with what helps."""

import numpy as np
import pytest

from edgeproof.convert.smoke_test import complaint
from edgeproof.convert.variants import Variant
from edgeproof.record.detections import Detections
from edgeproof.verify.deviation import Deviation, measure_deviation

BOX = (0.1, 0.1, 0.5, 0.5)
NEAR = (0.1, 0.1, 0.5, 0.48)
FAR = (0.6, 0.6, 0.9, 0.9)


def found(*rows: tuple[tuple[float, ...], int, float]) -> Detections:
    boxes, classes, scores = zip(*rows, strict=True) if rows else ((), (), ())
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(classes, np.int32), np.array(scores, np.float32)
    )


def test_the_same_detections_do_not_deviate() -> None:
    one = found((BOX, 0, 0.9), (FAR, 1, 0.7))
    deviation = measure_deviation([(one, one)] * 3)
    assert deviation == Deviation(3, expected=6, lost=0, extra=0, max_score_delta=0.0, min_iou=1.0)
    assert not deviation.exceeds(0.0, 1.0)


def test_a_moved_box_and_another_score_are_measured() -> None:
    deviation = measure_deviation([(found((BOX, 0, 0.9)), found((NEAR, 0, 0.8)))])
    assert (deviation.lost, deviation.extra) == (0, 0)
    assert deviation.max_score_delta == pytest.approx(0.1, abs=1e-6)
    assert deviation.min_iou == pytest.approx(0.95, abs=1e-6)
    assert str(deviation) == "1 of 1 detection of the source on 1 picture, scores within 0.1, IoU at least 0.9500"


@pytest.mark.parametrize("other", [found(), found((FAR, 0, 0.9)), found((BOX, 1, 0.9)), found((BOX, 0, 0.2))])
def test_a_detection_that_is_gone_or_elsewhere_or_of_another_class_is_lost(other: Detections) -> None:
    deviation = measure_deviation([(found((BOX, 0, 0.9)), other)])
    assert (deviation.expected, deviation.lost, deviation.matched) == (1, 1, 0)
    assert deviation.exceeds(1.0, 0.0)


def test_a_detection_that_sinks_below_the_counted_score_is_weaker_and_not_lost() -> None:
    deviation = measure_deviation([(found((BOX, 0, 0.55)), found((BOX, 0, 0.45)))])
    assert (deviation.lost, deviation.extra) == (0, 0)
    assert deviation.max_score_delta == pytest.approx(0.1, abs=1e-6)


def test_a_detection_out_of_nothing_is_extra() -> None:
    deviation = measure_deviation([(found(), found((BOX, 0, 0.9)))])
    assert (deviation.expected, deviation.extra) == (0, 1)
    assert "1 that the source has not" in str(deviation)


def test_two_detections_never_share_a_counterpart() -> None:
    deviation = measure_deviation([(found((BOX, 0, 0.9), (NEAR, 0, 0.8)), found((BOX, 0, 0.9)))])
    assert deviation.lost == 1


def test_where_nothing_is_found_the_best_scores_are_compared() -> None:
    deviation = measure_deviation([(found((BOX, 0, 0.3)), found((FAR, 0, 0.2))), (found(), found())])
    assert deviation.min_iou is None
    assert deviation.max_score_delta == pytest.approx(0.1, abs=1e-6)
    assert str(deviation) == "nothing found on 2 pictures, as in the source; best scores within 0.1"


@pytest.mark.parametrize("variant", Variant)
def test_a_lost_detection_is_complained_about_with_what_helps(variant: Variant) -> None:
    text = complaint(variant, Deviation(8, 5, 1, 0, 0.01, 0.99 if variant is not Variant.FLOAT32 else 1.0))
    assert text is not None
    assert text.startswith(
        f"{variant.value} is not as good as its source: 4 of 5 detections of the source on 8 pictures"
    )
    assert "What helps: " in text
    assert ("--images" in text) == (variant in (Variant.INT8, Variant.INT16X8))


@pytest.mark.parametrize("variant", Variant)
def test_what_is_as_good_is_not_complained_about(variant: Variant) -> None:
    assert complaint(variant, Deviation(8, 5, 0, 0, 1e-6, 0.9999)) is None


def test_int8_may_deviate_a_little_and_float32_may_not() -> None:
    little = Deviation(8, 5, 0, 0, 0.03, 0.94)
    assert complaint(Variant.INT8, little) is None
    assert complaint(Variant.FLOAT32, little) is not None
