"""Heads are told apart by shape, by value and by name, and what cannot be told is asked for with the candidates."""

import numpy as np
import pytest

from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.ssd.head_roles import HeadRoles, find_head_roles
from edgeproof.ssd.source_options import SourceOptions, parse_box_scales, parse_input_size

A = 8


def outputs(seed: int, **shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Anything with `anchor` or `table` in its name is the same for every seed."""
    fixed = np.random.default_rng(99)
    moving = np.random.default_rng(seed)
    return {name: (fixed if "a0" in name or "anchor" in name else moving).random(side) for name, side in shapes.items()}


def find(options: SourceOptions | None = None, **shapes: tuple[int, ...]) -> HeadRoles:
    return find_head_roles(outputs(1, **shapes), outputs(2, **shapes), options or SourceOptions(), "model")


def test_shapes_tell_boxes_from_scores() -> None:
    assert find(x=(1, A, 4), y=(1, A, 7)) == HeadRoles("x", "y", None)


def test_names_tell_them_when_three_classes_make_shapes_alike() -> None:
    assert find(class_head=(1, A, 4), box_head=(1, A, 4)) == HeadRoles("box_head", "class_head", None)
    assert find(box_scores=(1, A, 4), box_deltas=(1, A, 4)) == HeadRoles("box_deltas", "box_scores", None)


def test_anchors_are_what_no_picture_changes() -> None:
    assert find(x=(1, A, 4), y=(1, A, 3), a0=(A, 4)) == HeadRoles("x", "y", "a0")
    assert find(x=(1, A, 4), y=(1, A, 3), a0=(1, A, 4)) == HeadRoles("x", "y", "a0")


def test_other_outputs_do_not_disturb() -> None:
    assert find(x=(1, A, 4), y=(1, A, 3), features=(1, 5, 5, 16), embedding=(1, 2 * A, 9)) == HeadRoles("x", "y", None)


def test_stated_names_go_first() -> None:
    options = SourceOptions(boxes="b", scores="a")
    assert find(options, a=(1, A, 4), b=(1, A, 4)) == HeadRoles("b", "a", None)
    with pytest.raises(
        NotAnSsdError, match=r"no output 'c' \(--scores\)\. Its outputs:\n  a \[1, 8, 4\]\n  b \[1, 8, 4\]"
    ):
        find(SourceOptions(scores="c"), a=(1, A, 4), b=(1, A, 4))


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (
            {"a": (1, A, 4), "b": (1, A, 4)},
            r"box encodings \[1, anchors, 4\]\. Name them with --boxes.*\n  a \[1, 8, 4\]",
        ),
        ({"a": (1, A, 3), "b": (1, A, 2)}, "--boxes"),
        ({"a": (1, A, 4), "b": (1, A + 1, 2)}, r"class scores \[1, 8, classes\]\. Name them with --scores"),
        ({"a": (1, A, 4), "b": (1, A, 2), "c": (1, A, 5)}, "--scores"),
    ],
)
def test_what_cannot_be_told_is_asked_for(shapes: dict[str, tuple[int, ...]], words: str) -> None:
    with pytest.raises(NotAnSsdError, match=words):
        find(None, **shapes)


def test_scales_and_sizes_are_read_from_text() -> None:
    assert parse_box_scales("10,10,5,5") == (10, 10, 5, 5)
    assert parse_input_size("320x240") == (320, 240)
    assert parse_input_size("300") == (300, 300)
    for wrong in ("10,10,5", "a,b,c,d"):
        with pytest.raises(UsageError, match="four numbers"):
            parse_box_scales(wrong)
    with pytest.raises(UsageError, match="320x240"):
        parse_input_size("big")
    with pytest.raises(UsageError, match="above 0"):
        SourceOptions(box_scales=(10, 10, 0, 5))
    with pytest.raises(UsageError, match="8192"):
        SourceOptions(input_size=(0, 320))


def test_final_detections_are_told_from_heads_and_the_way_back_is_named() -> None:
    random = np.random.default_rng(0)
    detections = {
        "boxes": random.random((1, 20, 4)),
        "scores": random.random((1, 20)),
        "classes": random.random((1, 20)),
        "count": random.random(1),
    }
    others = {name: array + 1 for name, array in detections.items()}
    with pytest.raises(NotAnSsdError, match=r"non-maximum suppression is in its graph.*Save the model without"):
        find_head_roles(detections, others, SourceOptions(), "m")
    heads = {"boxes": detections["boxes"], "scores": random.random((1, 20, 3)), "extra": random.random((1, 20))}
    roles = find_head_roles(heads, {name: array + 1 for name, array in heads.items()}, SourceOptions(), "m")
    assert (roles.box_encodings, roles.class_scores) == ("boxes", "scores")
