"""Boxes and labels on a picture: where they are, and that they can be told apart and read."""

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.record.boxes import PixelBox
from edgeproof.record.pictures import Detection
from edgeproof.report.drawing.colours import class_colour, contrast, text_colour
from edgeproof.report.drawing.detections import annotate, write_annotated
from edgeproof.report.drawing.label_layout import Place, place_label

sizes = st.integers(1, 400)


def detection(
    x: float, y: float, width: float, height: float, label: str = "person", class_index: int = 0, score: float = 0.9
) -> Detection:
    return Detection(label, class_index, score, PixelBox(x, y, width, height))


def drawn_area(before: np.ndarray, after: np.ndarray) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of the pixels that differ."""
    rows, columns = np.nonzero((before != after).any(axis=2))
    return columns.min(), rows.min(), columns.max(), rows.max()


def test_a_box_is_drawn_where_it_is_in_its_class_s_colour() -> None:
    drawn = annotate(np.full((400, 600, 3), 128, np.uint8), [detection(100, 150, 200, 100, class_index=3)])
    for x, y in ((100, 200), (300, 200), (200, 250)):
        assert tuple(drawn[y, x]) == class_colour(3)
    assert tuple(drawn[200, 200]) == (128, 128, 128)


def test_nothing_found_leaves_the_picture_as_it_is() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (50, 60, 3), dtype=np.uint8)
    assert (annotate(picture, []) == picture).all()


def test_the_picture_itself_is_not_changed() -> None:
    picture = np.zeros((200, 200, 3), np.uint8)
    annotate(picture, [detection(10, 10, 100, 100)])
    assert not picture.any()


def test_a_grey_picture_gets_coloured_boxes() -> None:
    drawn = annotate(np.full((200, 200), 128, np.uint8), [detection(50, 50, 100, 100)])
    assert tuple(drawn[100, 50]) == class_colour(0)


@pytest.mark.parametrize("background", [0, 255])
def test_a_line_has_a_dark_edge_so_that_any_background_shows_it(background: int) -> None:
    picture = np.full((800, 800, 3), background, np.uint8)
    row = annotate(picture, [detection(400, 400, 200, 200)])[500, 380:420].astype(int)
    neighbours = np.abs(np.diff(row, axis=0)).sum(axis=1)
    assert neighbours.max() > 300  # a step of more than 300 of 765 between two neighbouring pixels


@pytest.mark.parametrize("side", [300, 1200, 4800])
def test_lines_and_letters_grow_with_the_picture(side: int) -> None:
    picture = np.zeros((side, side, 3), np.uint8)
    box = detection(side * 0.1, side * 0.3, side * 0.8, side * 0.4)
    drawn = annotate(picture, [box])
    _, top, _, _ = drawn_area(picture, drawn)
    label_height = side * 0.3 - top
    assert 0.03 < label_height / side < 0.08
    line = np.count_nonzero((drawn[side // 2, : side // 2] == class_colour(0)).all(axis=1))
    assert 0.002 < line / side < 0.012


@given(sizes, sizes, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_any_box_can_be_drawn_on_any_picture(
    width: int, height: int, x: float, y: float, across: float, down: float
) -> None:
    box = detection(x * width, y * height, (1 - x) * width * across, (1 - y) * height * down)
    assert annotate(np.zeros((height, width, 3), np.uint8), [box]).shape == (height, width, 3)


def test_a_small_box_stays_whole_where_a_larger_one_with_a_better_score_crosses_it() -> None:
    large = detection(50, 50, 400, 250, class_index=0, score=0.9)
    small = detection(200, 250, 100, 100, class_index=3, score=0.3)
    for order in ([large, small], [small, large]):
        assert tuple(annotate(np.zeros((500, 500, 3), np.uint8), order)[300, 200]) == class_colour(3)


def test_letters_outside_ascii_and_labels_longer_than_the_picture_are_drawn_all_the_same() -> None:
    picture = np.zeros((120, 120, 3), np.uint8)
    drawn = annotate(picture, [detection(10, 60, 50, 40, label="Fußgänger 行人 " * 20)])
    left, _, right, _ = drawn_area(picture, drawn)
    assert left >= 0
    assert right <= 119


def test_a_written_picture_decodes_to_the_same_size(tmp_path: Path) -> None:
    write_annotated(tmp_path / "out" / "a.jpg", np.zeros((30, 40, 3), np.uint8), [detection(1, 1, 20, 20)])
    assert cv2.imread(str(tmp_path / "out" / "a.jpg")).shape == (30, 40, 3)


@given(
    st.integers(-50, 350), st.integers(-50, 250), st.integers(0, 300), st.integers(0, 200), st.integers(1, 300),
    st.integers(1, 200),
)  # fmt: skip
def test_a_label_that_fits_the_picture_stays_in_it(
    left: int, top: int, width: int, height: int, label_width: int, label_height: int
) -> None:
    box = Place(left, top, left + width, top + height)
    place = place_label(box, (label_width, label_height), (300, 200), [])
    assert place.left >= 0
    assert place.top >= 0
    assert place.right <= 300
    assert place.bottom <= 200
    assert (place.right - place.left, place.bottom - place.top) == (label_width, label_height)


def test_a_label_goes_above_its_box_and_inside_when_there_is_no_room() -> None:
    assert place_label(Place(50, 50, 150, 150), (40, 10), (300, 200), []) == Place(50, 40, 90, 50)
    assert place_label(Place(50, 0, 150, 150), (40, 10), (300, 200), []) == Place(50, 0, 90, 10)


def test_labels_of_boxes_in_the_same_place_do_not_cover_each_other() -> None:
    taken: list[Place] = []
    for _ in range(10):
        taken.append(place_label(Place(50, 50, 150, 190), (60, 12), (300, 240), taken))
    assert all(one.overlap(other) == 0 for one, other in itertools.combinations(taken, 2))


@pytest.mark.parametrize("class_index", range(91))
def test_text_reads_on_every_class_s_colour(class_index: int) -> None:
    background = class_colour(class_index)
    assert contrast(background, text_colour(background)) >= 4.5  # WCAG 2.1's level AA for text


def test_neighbouring_classes_differ_clearly() -> None:
    for first in range(90):
        distance = np.abs(np.subtract(class_colour(first), class_colour(first + 1))).sum()
        assert distance > 150


def test_the_label_of_the_best_score_lies_on_top() -> None:
    """In a picture with room for one label alone."""
    picture = np.full((40, 90, 3), 128, np.uint8)
    weak, strong = (detection(0, 0, 90, 40, "aaaaaa", index, score) for index, score in ((1, 0.6), (2, 0.9)))
    for order in ([weak, strong], [strong, weak]):
        drawn = annotate(picture, [*order] * 8)
        colours = {tuple(colour) for colour in drawn.reshape(-1, 3)}
        both = [(drawn == class_colour(index)).all(axis=2).sum() for index in (1, 2)]
        assert class_colour(2) in colours
        assert both[1] > both[0], "labels of the weaker class cover those of the stronger"


@pytest.mark.parametrize("side", [300, 800])
def test_a_box_along_the_border_shows_its_line_in_full_width(side: int) -> None:
    picture = np.full((side, side, 3), 128, np.uint8)
    whole = annotate(picture, [detection(0, 0, side, side)])
    inner = annotate(picture, [detection(side / 4, side / 4, side / 2, side / 2)])

    def width(row: np.ndarray) -> int:
        return int((row == class_colour(0)).all(axis=1).sum())

    middle = side // 2
    line = width(inner[middle, middle:])
    assert line >= 1
    halves = {
        "left": whole[middle, :middle],
        "right": whole[middle, middle:],
        "top": whole[:middle, middle],
        "bottom": whole[middle:, middle],
    }
    assert {name: width(half) for name, half in halves.items()} == dict.fromkeys(halves, line)
