"""Which outputs are levels of one head is told by shapes, then by names, else the user is asked."""

import pytest

from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.ssd.head_layout import HeadLayout, Layout, Shapes, find_layout
from edgeproof.ssd.source_options import SourceOptions


def told(shapes: Shapes, options: SourceOptions | None = None, *constant: str) -> Layout | None:
    return find_layout(shapes, constant, options or SourceOptions(), "it")


def test_heads_with_a_side_of_one_become_lists() -> None:
    layout = told({"b": (1, 1917, 1, 4), "c": (1, 1917, 91)})
    assert layout == Layout(HeadLayout(("b",), (1917,), 4), HeadLayout(("c",), (1917,), 91))
    assert layout.words() == ""


def test_lists_a_level_are_joined_from_the_largest() -> None:
    layout = told({"b1": (1, 24, 4), "b0": (1, 96, 4), "c1": (1, 24, 7), "c0": (1, 96, 7)})
    assert layout == Layout(HeadLayout(("b0", "b1"), (96, 24), 4), HeadLayout(("c0", "c1"), (96, 24), 7))
    assert layout.words() == "levels joined in the order b0, b1"


def test_grids_are_told_by_the_number_of_classes_that_all_levels_can_have() -> None:
    # 3 and 6 boxes a place, 7 classes: 12 and 21 channels, 24 and 42.
    layout = told({"p": (1, 8, 8, 12), "q": (1, 8, 8, 21), "r": (1, 4, 4, 24), "s": (1, 4, 4, 42)})
    assert layout is not None
    assert layout.boxes == HeadLayout(("p", "r"), (192, 96), 4)
    assert layout.scores == HeadLayout(("q", "s"), (192, 96), 7)


def test_levels_that_could_be_read_both_ways_are_told_by_the_others() -> None:
    # 16 and 8 channels are 4 boxes of 2 classes, or 2 boxes of 8; 12 and 6 are 3 boxes of 2.
    layout = told({"p": (1, 8, 8, 8), "q": (1, 8, 8, 16), "r": (1, 4, 4, 12), "s": (1, 4, 4, 6)})
    assert layout is not None
    assert (layout.boxes.parts, layout.scores.columns) == (("q", "r"), 2)


def test_grids_with_the_boxes_of_a_place_apart_and_a_last_level_of_one_place() -> None:
    layout = told({"p": (1, 2, 2, 3, 4), "q": (1, 2, 2, 3, 5), "r": (1, 1, 1, 3, 4), "s": (1, 1, 1, 3, 5)})
    assert layout is not None
    assert (layout.boxes.parts, layout.boxes.rows, layout.scores.columns) == (("p", "r"), (12, 3), 5)
    single = told({"p": (1, 2, 2, 12), "q": (1, 2, 2, 15), "r": (1, 1, 1, 12), "s": (1, 1, 1, 15)})
    assert single is not None
    assert single.boxes.rows == (12, 3)


def test_what_shapes_leave_open_names_tell() -> None:
    # With 4 columns either could be the boxes.
    shapes = {"loc_0": (1, 96, 4), "loc_1": (1, 24, 4), "conf_0": (1, 96, 4), "conf_1": (1, 24, 4)}
    layout = told(shapes)
    assert layout is not None
    assert layout.boxes.parts == ("loc_0", "loc_1")
    unnamed = {name[-1] + name[0]: shape for name, shape in shapes.items()}
    with pytest.raises(
        NotAnSsdError, match=r"it: which of 0l and 0c are the boxes cannot be told. Name .* --boxes A,B"
    ):
        told(unnamed)


def test_names_and_their_order_that_were_said_go_first() -> None:
    shapes = {"l": (1, 96, 4), "m": (1, 24, 4), "c": (1, 96, 4), "d": (1, 24, 4)}
    layout = told(shapes, SourceOptions(boxes="m, l", scores="d,c"))
    assert layout is not None
    assert (layout.boxes.parts, layout.boxes.rows, layout.scores.parts) == (("m", "l"), (24, 96), ("d", "c"))
    with pytest.raises(UsageError, match=r"--boxes names 2 levels and --scores 1"):
        told(shapes, SourceOptions(boxes="l,m", scores="c"))
    with pytest.raises(UsageError, match=r"name both heads level by level"):
        told(shapes, SourceOptions(boxes="l,m"))
    with pytest.raises(NotAnSsdError, match=r"c, d do not have one row an anchor of m, l"):
        told(shapes, SourceOptions(boxes="m,l", scores="c,d"))
    with pytest.raises(NotAnSsdError, match=r"it: q are no box predictions, four numbers an anchor"):
        told({"q": (1, 9, 1, 5), "c": (1, 9, 3)}, SourceOptions(boxes="q", scores="c"))


@pytest.mark.parametrize(
    "shapes",
    [
        {"b": (1, 10, 4), "c": (1, 10, 7)},  # two heads already
        {"b": (1, 10, 4), "s": (1, 10), "k": (1, 10), "n": (1,)},  # detections
        {"b": (1, 10, 4), "c": (1, 10, 7), "d": (1, 10, 4), "e": (1, 10, 7)},  # the same boxes twice
        {"b": (1, 10, 4), "c": (1, 20, 7), "d": (1, 5, 4)},
        {"b": (2, 10, 4), "c": (2, 10, 7)},
        {"b": (1, 8, 8, 12), "c": (1, 100, 7)},
        {"b": (1, 8, 8, 12), "c": (1, 8, 8, 21), "d": (1, 8, 8, 12), "e": (1, 8, 8, 21)},
        {"b": (1, 8, 8, 5), "c": (1, 8, 8, 7)},
    ],
)
def test_anything_else_is_left_as_it_is(shapes: Shapes) -> None:
    assert told(shapes) is None


def test_constant_outputs_take_no_part() -> None:
    shapes = {"b": (1, 10, 1, 4), "c": (1, 10, 1, 7), "anchors": (1, 10, 4)}
    layout = told(shapes, None, "anchors")
    assert layout is not None
    assert layout.boxes.parts == ("b",)
    assert told(shapes) is None
