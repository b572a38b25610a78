"""The right reading of boxes is told from every other by neighbours that agree and boxes that move as the picture."""

import itertools

import numpy as np
import pytest

from edgeproof.convert.witness.agreement import judgeable, motion, overlap, support
from edgeproof.convert.witness.observation import SHIFT, Floats, Observation, Observed
from edgeproof.ssd.box_reading import Reading, all_readings
from edgeproof.ssd.conventions import BoxCoder, CoordinateOrder
from edgeproof.ssd.source_options import AnchorFormat
from tests.support.networks.planting import encode, every_reading

YX, XY = CoordinateOrder.YX, CoordinateOrder.XY
BOXES = np.array([[0.2, 0.3, 0.5, 0.42], [0.15, 0.1, 0.9, 0.4], [0.6, 0.2, 0.7, 0.6]])
"""One a picture: a tall one, a taller one, and a wide one."""


def anchors_around(box: Floats) -> Floats:
    """[9, 4] centre y, centre x, height, width."""
    steps = np.array(list(itertools.product((-0.06, 0, 0.06), repeat=2)))
    centres = (box[:2] + box[2:]) / 2 + steps
    sides = np.tile([0.31, 0.23], (9, 1)) * np.linspace(0.8, 1.3, 9)[:, None]
    return np.concatenate([centres, sides], axis=1).astype(np.float32)


def observe(reading: Reading, box: Floats) -> Observation:
    """What a network whose convention is `reading` says of one box."""
    anchors = anchors_around(box)
    predictions, given = encode(reading, np.tile(box, (9, 1)), anchors)
    return Observation(predictions, given, np.linspace(0.9, 0.5, 9, dtype=np.float32))


def observations(reading: Reading) -> list[Observed]:
    shift = np.array([0, SHIFT, 0, SHIFT])
    columns = np.array([0.9, 0.1], np.float32)
    return [Observed(observe(reading, box), observe(reading, box + shift), columns) for box in BOXES]


@pytest.mark.parametrize("reading", every_reading(), ids=Reading.options)
def test_the_convention_that_was_planted_is_the_only_one_that_explains_everything(reading: Reading) -> None:
    seen = observations(reading)
    hypotheses = all_readings(reading, seen[0].still.anchors)
    ranked = sorted(hypotheses, key=lambda item: -float(support(item, seen).mean()))
    assert ranked[0] == reading
    assert support(ranked[0], seen).min() > 0.99
    assert support(ranked[1], seen).mean() < 0.9


def test_a_mirrored_reading_agrees_and_does_not_move() -> None:
    reading = Reading(BoxCoder.CENTRE, YX, AnchorFormat.CENTRE, YX, (10.0, 8.0, 5.0, 4.0))
    seen = observations(reading)[0]
    assert motion(reading, seen) > 0.99
    assert motion(reading.mirrored(), seen) < 0.6
    assert reading.mirrored().mirrored() == reading
    assert reading.mirrored().scales == (8.0, 10.0, 4.0, 5.0)


def test_boxes_without_area_and_inside_out_overlap_nothing() -> None:
    boxes = np.array([[0, 0, 1, 1], [0.5, 0.5, 0.5, 0.5], [1, 1, 0, 0]], np.float32)
    np.testing.assert_array_equal(overlap(boxes, boxes), [[1, 0, 0], [0, 0, 0], [0, 0, 0]])


def test_corners_that_end_before_they_begin_are_no_hypothesis() -> None:
    anchors = np.array([[0.8, 0.8, 0.1, 0.1]], np.float32)
    said = Reading(BoxCoder.CENTRE, YX, AnchorFormat.CENTRE, YX, (1.0,) * 4)
    assert {item.anchor_format for item in all_readings(said, anchors)} == {AnchorFormat.CENTRE}


def test_a_picture_on_which_the_network_is_unsure_is_not_judged() -> None:
    seen = observations(every_reading()[0])[0]
    faint = Observation(seen.still.predictions, seen.still.anchors, seen.still.scores * np.float32(0.5))
    assert judgeable(seen)
    assert not judgeable(Observed(faint, seen.moved, seen.columns))


def test_boxes_that_need_no_anchors_are_read_with_none() -> None:
    said = Reading(BoxCoder.BOXES, YX, AnchorFormat.CENTRE, YX, BoxCoder.BOXES.usual_scales)
    whole_picture = np.tile(np.array([0.5, 0.5, 1, 1], np.float32), (3, 1))
    found = all_readings(said, whole_picture)
    assert found[:2] == [said, said.mirrored()]
    assert {item.coder for item in found} == {BoxCoder.BOXES, BoxCoder.PIXEL_BOXES}
