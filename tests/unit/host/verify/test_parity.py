"""Parity: the first stage that parts is named, and what differs is counted apart from what is borderline."""

from dataclasses import replace

import numpy as np
import pytest

from edgeproof.record.detections import Detections, PictureResult, StepDigests
from edgeproof.record.verdict.parity import Parity, ParityStage, PictureParity
from edgeproof.verify.parity import compare_detections, output_delta, outputs_needed, picture_parity, share_differing

Row = tuple[float, int, float]
"""Left edge of a box of 0.2, class, score."""


def detections(*rows: Row) -> Detections:
    boxes = [(0.1, left, 0.3, left + 0.2) for left, _, _ in rows]
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array([kind for _, kind, _ in rows], np.int32),
        np.array([score for _, _, score in rows], np.float32),
    )


HOST = ((0.0, 0, 0.95), (0.3, 1, 0.8))


@pytest.mark.parametrize(
    ("board", "expected"),
    [
        (HOST, (2, 0, 0)),
        (HOST[::-1], (2, 0, 0)),
        (((0.005, 0, 0.93), (0.3, 1, 0.84)), (2, 0, 0)),
        (HOST[:1], (1, 1, 0)),  # one is lost
        ((*HOST, (0.7, 0, 0.9)), (2, 1, 0)),  # one more
        ((*HOST, (0.7, 0, 0.3)), (2, 0, 0)),  # one more that nobody is told of
        (((0.0, 0, 0.95), (0.3, 2, 0.8)), (1, 2, 0)),  # another class: one lost, one more
        (((0.0, 0, 0.95), (0.33, 1, 0.8)), (1, 1, 0)),  # moved
        (((0.0, 0, 0.95), (0.3, 1, 0.7)), (1, 1, 0)),  # another score
        (((0.0, 0, 0.95), (0.3, 1, 0.3)), (1, 1, 0)),  # sunk out of sight
        ((), (0, 2, 0)),
        ((*HOST, (0.7, 0, 0.51)), (2, 0, 1)),  # one more, near to the threshold
        ((*HOST, (0.7, 0, 0.53)), (2, 1, 0)),
    ],
)
def test_confident_detections_are_the_same_or_differ(board: tuple[Row, ...], expected: tuple[int, int, int]) -> None:
    assert compare_detections(detections(*HOST), detections(*board), 0.5) == expected
    same, differing, borderline = expected
    assert compare_detections(detections(*board), detections(*HOST), 0.5) == (same, differing, borderline)


@pytest.mark.parametrize("scores", [(0.505, 0.495), (0.51, 0.2), (0.53, 0.49)])
def test_a_detection_that_crosses_the_threshold_nearby_is_borderline(scores: tuple[float, float]) -> None:
    above, below = (detections((0.0, 0, score)) for score in scores)
    assert compare_detections(above, below, 0.5) == (0, 0, 1)
    assert compare_detections(below, above, 0.5) == (0, 0, 1)


DIGESTS = StepDigests("p" * 64, "i" * 64, ("a" * 64, "b" * 64))
RESULT = PictureResult("a.jpg", 64, 48, detections(*HOST), digests=DIGESTS)


@pytest.mark.parametrize(
    ("digests", "delta", "stage"),
    [
        (DIGESTS, None, None),
        (replace(DIGESTS, pixels="q" * 64, input="j" * 64, outputs=("c" * 64,)), 0.5, ParityStage.PIXELS),
        (replace(DIGESTS, input="j" * 64, outputs=("c" * 64,)), 0.5, ParityStage.INPUT),
        (replace(DIGESTS, outputs=("a" * 64, "c" * 64)), 1e-3, ParityStage.OUTPUTS),
        (replace(DIGESTS, outputs=("a" * 64, "c" * 64)), None, ParityStage.OUTPUTS),
        (replace(DIGESTS, outputs=("a" * 64, "c" * 64)), 1e-6, None),
    ],
)
def test_the_first_stage_that_differs_is_named(
    digests: StepDigests, delta: float | None, stage: ParityStage | None
) -> None:
    found = picture_parity(RESULT, replace(RESULT, digests=digests), 0.5, delta)
    assert found.parts_at is stage
    assert (found.same, found.differing) == (2, 0)


def test_other_detections_from_equal_outputs_part_at_the_detections() -> None:
    found = picture_parity(RESULT, replace(RESULT, detections=detections(*HOST[:1])), 0.5)
    assert (found.parts_at, found.differing) == (ParityStage.DETECTIONS, 1)


def test_raw_outputs_are_asked_for_when_an_equal_input_gave_others() -> None:
    other = replace(DIGESTS, outputs=("c" * 64,))
    assert outputs_needed(RESULT, replace(RESULT, digests=other))
    assert not outputs_needed(RESULT, RESULT)
    assert not outputs_needed(RESULT, replace(RESULT, digests=replace(other, input="j" * 64)))
    assert not outputs_needed(RESULT, PictureResult("a.jpg", error="it is broken"))


def test_a_picture_that_one_machine_cannot_use_parts_where_it_failed() -> None:
    broken = PictureResult("a.jpg", error="it is broken")
    strange = PictureResult("a.jpg", 64, 48, error="the model gave boxes that are no numbers")
    assert picture_parity(RESULT, broken, 0.5).parts_at is ParityStage.PIXELS
    assert picture_parity(RESULT, broken, 0.5).note == "board: it is broken"
    for one, other in ((RESULT, broken), (broken, RESULT), (strange, RESULT)):
        assert picture_parity(one, other, 0.5).differing == 2, "all that was confidently found there"
    nothing = replace(RESULT, detections=detections())
    assert picture_parity(nothing, broken, 0.5).differing == 1, "a picture that fails is a difference"
    assert picture_parity(strange, RESULT, 0.5).parts_at is ParityStage.OUTPUTS
    both = picture_parity(broken, broken, 0.5)
    assert (both.parts_at, both.differing, both.note) == (None, 0, "neither can use it: it is broken")


def test_parity_without_digests_is_refused() -> None:
    with pytest.raises(ValueError, match="from digests"):
        picture_parity(replace(RESULT, digests=None), RESULT, 0.5)


def test_the_delta_of_outputs_is_relative_to_the_largest_magnitude() -> None:
    one = [np.array([[1.0, -4.0]], np.float32), np.zeros(3, np.float32)]
    other = [np.array([[1.0, -4.5]], np.float32), np.zeros(3, np.float32)]
    assert output_delta(one, other) == pytest.approx(0.125)
    assert output_delta(one, one) == 0.0
    assert output_delta(one, one[:1]) is None
    assert output_delta(one[:1], [np.zeros((1, 3), np.float32)]) is None


def parity(*pictures: PictureParity) -> Parity:
    return Parity("tflite-runtime 2.14.0", 0.5, 0.02, pictures)


def test_no_difference_in_many_detections_is_a_small_bound() -> None:
    """Of 500 none: at most 0.6 %, since 0.994 ** 500 is 0.05."""
    bounds = share_differing(parity(PictureParity("a", None, same=500)))
    assert bounds.low == 0.0
    assert bounds.high == pytest.approx(1 - 0.05 ** (1 / 500))


def test_without_detections_nothing_is_known() -> None:
    bounds = share_differing(parity(PictureParity("a", None)))
    assert (bounds.low, bounds.high) == (0.0, 1.0)


def test_the_bounds_hold_as_often_as_they_say() -> None:
    random = np.random.default_rng(5)
    for share in (0.002, 0.05, 0.5):
        for trials in (40, 400):
            bounds = [
                share_differing(parity(PictureParity("a", None, same=trials - hits, differing=hits)))
                for hits in random.binomial(trials, share, 400).tolist()
            ]
            assert np.mean([bound.high >= share for bound in bounds]) > 0.925  # 95 %, less 2.3 standard errors
            assert np.mean([bound.low <= share for bound in bounds]) > 0.925


def test_counts_are_over_all_pictures_and_the_worst_come_first() -> None:
    found = parity(
        PictureParity("same", None, same=3, borderline=1),
        PictureParity("kernels", ParityStage.OUTPUTS, same=1, differing=1),
        PictureParity("decoder", ParityStage.PIXELS, same=2, differing=3),
        PictureParity("harmless", ParityStage.PIXELS, same=2),
    )
    assert (found.confident, found.differing, found.borderline) == (12, 4, 1)
    assert found.parted == {ParityStage.PIXELS: 2, ParityStage.OUTPUTS: 1}
    assert [picture.name for picture in found.worst(9)] == ["decoder", "kernels", "harmless"]
    assert [picture.name for picture in found.worst(1)] == ["decoder"]


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_outputs_that_are_no_numbers_part_there(odd: float) -> None:
    """No number tells how far apart they are, so none may call them near."""
    one, other = [np.array([1.0, 2.0], np.float32)], [np.array([1.0, odd], np.float32)]
    assert output_delta(one, other) is None
    assert output_delta(other, one) is None
    apart = replace(RESULT, digests=replace(DIGESTS, outputs=("a" * 64, "c" * 64)))
    assert picture_parity(RESULT, apart, 0.5, output_delta(one, other)).parts_at is ParityStage.OUTPUTS
