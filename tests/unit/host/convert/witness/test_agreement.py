"""The right reading of boxes is told from every other by neighbours that agree and boxes that move as the picture."""

import itertools

import numpy as np
import pytest

from edgeproof.convert.witness.agreement import judgeable, motion, overlap, support
from edgeproof.convert.witness.observation import SHIFT, Floats, Observation, Observed
from edgeproof.convert.witness.witness import FEWEST_PICTURES, SOUND, Findings, Ranked, background
from edgeproof.ssd.box_reading import Reading, all_readings
from edgeproof.ssd.conventions import BoxCoder, CoordinateOrder
from edgeproof.ssd.source_options import AnchorFormat

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
    """What a network whose convention is `reading` says of one box, written down without the code under test."""
    anchors = anchors_around(box)
    cy, cx, h, w = anchors.T
    sy, sx, sh, sw = reading.scales
    ymin, xmin, ymax, xmax = box
    if reading.coder is BoxCoder.CENTRE:
        columns = [((ymin + ymax) / 2 - cy) / h * sy, ((xmin + xmax) / 2 - cx) / w * sx]
        columns += [np.log((ymax - ymin) / h) * sh, np.log((xmax - xmin) / w) * sw]
    elif reading.coder is BoxCoder.LINEAR_CORNERS:
        columns = [(ymin - cy + h / 2) / h * sy, (xmin - cx + w / 2) / w * sx]
        columns += [(ymax - cy - h / 2) / h * sh, (xmax - cx - w / 2) / w * sw]
    elif reading.coder is BoxCoder.DISTANCES:
        columns = [(cy - ymin) / h * sy, (cx - xmin) / w * sx, (ymax - cy) / h * sh, (xmax - cx) / w * sw]
    else:
        columns = [np.full(9, edge) for edge in box]
    predictions = np.stack(columns, axis=1)
    if reading.anchor_format is AnchorFormat.CORNERS:
        anchors = np.stack([cy - h / 2, cx - w / 2, cy + h / 2, cx + w / 2], axis=1)
    if reading.order is XY:
        predictions = predictions[:, [1, 0, 3, 2]]
    if reading.anchor_order is XY:
        anchors = anchors[:, [1, 0, 3, 2]]
    return Observation(predictions.astype(np.float32), anchors, np.linspace(0.9, 0.5, 9, dtype=np.float32))


def observations(reading: Reading) -> list[Observed]:
    shift = np.array([0, SHIFT, 0, SHIFT])
    columns = np.array([0.9, 0.1], np.float32)
    return [Observed(observe(reading, box), observe(reading, box + shift), columns) for box in BOXES]


def planted() -> list[Reading]:
    usual = (10.0, 10.0, 5.0, 5.0)
    coders = [coder for coder in BoxCoder if coder.reads_anchors]
    readings = [Reading(*item, usual) for item in itertools.product(coders, (YX, XY), AnchorFormat, (YX, XY))]
    readings += [Reading(BoxCoder.BOXES, order, AnchorFormat.CENTRE, YX, (1.0,) * 4) for order in (YX, XY)]
    return readings


@pytest.mark.parametrize("reading", planted(), ids=Reading.options)
def test_the_convention_that_was_planted_is_the_only_one_that_explains_everything(reading: Reading) -> None:
    seen = observations(reading)
    hypotheses = all_readings(reading, seen[0].still.anchors)
    ranked = sorted(hypotheses, key=lambda item: -support(item, seen))
    assert ranked[0] == reading
    assert support(ranked[0], seen) > 0.99
    assert support(ranked[1], seen) < 0.85


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
    seen = observations(planted()[0])[0]
    faint = Observation(seen.still.predictions, seen.still.anchors, seen.still.scores * np.float32(0.5))
    assert judgeable(seen)
    assert not judgeable(Observed(faint, seen.moved, seen.columns))


def findings(best: float, said: float, pictures: int = FEWEST_PICTURES) -> Findings:
    boxes = [Ranked("--best", best, False), Ranked("--said", said, True)]
    return Findings(sorted(boxes, key=lambda item: -item.support), [], pictures, None)


def test_a_contradiction_needs_a_margin_a_sound_network_and_pictures_enough() -> None:
    found = findings(0.9, 0.5).contradiction
    assert found is not None
    assert "support 0.90 for --best, 0.50 for what was said or assumed (--said)" in found
    assert findings(0.9, 0.8).contradiction is None
    assert findings(SOUND - 0.01, 0.1).contradiction is None
    assert findings(0.9, 0.5, pictures=1).contradiction is None


def test_it_cannot_tell_from_few_pictures_from_random_weights_and_from_near_hypotheses() -> None:
    assert findings(0.9, 0.5).undecided is None
    assert "sure of something on 1 picture" in str(findings(0.9, 0.5, pictures=1).undecided)
    assert "random" in str(findings(0.3, 0.2).undecided)
    assert "too near" in str(findings(0.9, 0.88).undecided)


def columns(*means: float) -> list[Observed]:
    nothing = Observation(*(np.zeros((0, *shape), np.float32) for shape in ((4,), (4,), ())))
    return [Observed(nothing, nothing, np.array(means, np.float32))]


def test_a_class_that_is_nearly_everywhere_is_the_background() -> None:
    found = background(columns(0.01, 0.02, 0.95))
    assert found is not None
    assert found.endswith("the last column's: --background-last")
    found = background(columns(0.0, 0.9, 0.02))
    assert found is not None
    assert "which is column 1's of the classes" in found


def test_random_weights_that_score_every_class_contradict_no_background() -> None:
    assert background(columns(0.01, 0.72, 0.4, 0.3)) is None


def test_boxes_that_need_no_anchors_are_read_with_none() -> None:
    said = Reading(BoxCoder.BOXES, YX, AnchorFormat.CENTRE, YX, BoxCoder.BOXES.usual_scales)
    whole_picture = np.tile(np.array([0.5, 0.5, 1, 1], np.float32), (3, 1))
    assert all_readings(said, whole_picture) == [said, said.mirrored()]
