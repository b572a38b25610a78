"""Anchors come from an array or a description, and whether they are centres or corners is told, stated or found out."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.errors import UsageError
from edgeproof.ssd.conventions import CoordinateOrder
from edgeproof.ssd.files.anchors import convert_anchors, read_anchors, require_count
from edgeproof.ssd.source_options import AnchorFormat

CENTRES = np.array([[0.25, 0.25, 0.5, 0.5], [0.75, 0.5, 0.2, 0.4]], np.float32)
CORNERS = np.array([[0.0, 0.0, 0.5, 0.5], [0.65, 0.3, 0.85, 0.7]], np.float32)


@pytest.mark.parametrize(
    ("values", "form"), [(CENTRES, AnchorFormat.CENTRE), (CORNERS, AnchorFormat.CORNERS), (CORNERS[np.newaxis], None)]
)
def test_the_format_is_found_out(tmp_path: Path, values: np.ndarray, form: AnchorFormat | None) -> None:
    np.save(tmp_path / "anchors.npy", values.astype(np.float64))
    anchors = read_anchors(tmp_path / "anchors.npy")
    np.testing.assert_allclose(anchors.centres, CENTRES, atol=1e-6)
    assert anchors.centres.dtype == np.float32
    assert anchors.format is (form or AnchorFormat.CORNERS)


def test_a_stated_format_goes_before_what_the_values_look_like() -> None:
    ambiguous = np.array([[0.2, 0.2, 0.5, 0.5]])
    assert convert_anchors(ambiguous, "it", AnchorFormat.CENTRE).centres[0].tolist() == pytest.approx(
        [0.2, 0.2, 0.5, 0.5]
    )
    assert convert_anchors(ambiguous, "it").centres[0].tolist() == pytest.approx([0.35, 0.35, 0.3, 0.3])
    with pytest.raises(UsageError, match=r"it: these are not corners .* --anchor-format centre"):
        convert_anchors(CENTRES, "it", AnchorFormat.CORNERS)


def test_a_description_states_format_and_scales(tmp_path: Path) -> None:
    path = tmp_path / "anchors.json"
    path.write_text(json.dumps({"format": "corners", "boxes": CORNERS.tolist(), "box_scales": [10, 8, 5, 4]}))
    anchors = read_anchors(path)
    np.testing.assert_allclose(anchors.centres, CENTRES, atol=1e-6)
    assert anchors.box_scales == (10, 8, 5, 4)
    np.save(tmp_path / "beside.npy", CENTRES)
    path.write_text('{"file": "beside.npy"}')
    np.testing.assert_allclose(read_anchors(path).centres, CENTRES)


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ({}, 'either "boxes" or "file"'),
        ({"boxes": [], "file": "x.npy"}, 'either "boxes" or "file"'),
        ({"boxes": [[0, 0, 1]]}, r"the anchors are float64 \[1, 3\]"),
        ({"boxes": "many"}, "list of four numbers"),
        ({"boxes": [[0, 0, 1, 1]], "format": "xywh"}, "\"format\" is 'xywh'"),
        ({"boxes": [[0, 0, 1, 1]], "box_scales": [10, 10, 5]}, '"box_scales" must be four numbers'),
        ({"boxes": [[0, 0, 1, 1]], "scales": []}, "unknown entry 'scales'"),
        ({"boxes": [[0, 0, 300, 300]]}, "the anchors reach 300; give them in 0..1"),
        ({"boxes": [[0, 0, 1, float("nan")]]}, "not finite"),
        ({"file": "nowhere.npy"}, "no such file"),
    ],
)
def test_a_wrong_description_is_refused(tmp_path: Path, description: dict[str, Any], words: str) -> None:
    (tmp_path / "anchors.json").write_text(json.dumps(description))
    with pytest.raises(UsageError, match=words):
        read_anchors(tmp_path / "anchors.json")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (CENTRES.astype(str), r"of type <U\d+, not numbers\. Save them as float32"),
        (np.vstack([CENTRES, [[0.1, 0.1, 0.0, 0.5]]]), rf"1 anchor .* index {len(CENTRES)} \(\[0.1, 0.1, 0, 0.5\]\)"),
        (CENTRES * [1, 1, -1, 1], "first at index 0 .* must be above 0"),
        (np.where(np.arange(len(CENTRES))[:, None] == 1, np.nan, CENTRES), "1 anchor .* index 1 .* not finite"),
    ],
)
def test_the_first_anchor_that_cannot_be_used_is_named(values: np.ndarray, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        convert_anchors(values, "it")


def test_another_number_of_anchors_than_heads_names_both() -> None:
    anchors = convert_anchors(CENTRES, "it")
    require_count(anchors, Path("a.npy"), (1, len(CENTRES), 4))
    with pytest.raises(UsageError, match=rf"a\.npy: it has {len(CENTRES)} anchors, and the model has heads for 9\."):
        require_count(anchors, Path("a.npy"), (1, 9, 4))


def test_pickles_and_other_files_are_no_anchors(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(UsageError, match="it is broken"):
        read_anchors(tmp_path / "objects.npy")
    (tmp_path / "notes.npy").write_text("hello")
    with pytest.raises(UsageError, match="neither a NumPy array"):
        read_anchors(tmp_path / "notes.npy")


def test_anchors_in_pixels_and_x_first_are_brought_to_the_usual_order() -> None:
    pixels = np.array([[30, 20, 10, 40], [80, 100, 20, 20]], np.float32)
    anchors = convert_anchors(pixels, "it", AnchorFormat.CENTRE, None, CoordinateOrder.XY, (200, 100))
    np.testing.assert_allclose(anchors.centres, [[0.1, 0.3, 0.2, 0.1], [0.5, 0.8, 0.1, 0.2]])
    assert anchors.values is not None
    np.testing.assert_allclose(anchors.values, [[0.3, 0.1, 0.1, 0.2], [0.8, 0.5, 0.2, 0.1]])


def test_anchors_of_one_fixed_size_are_no_corners() -> None:
    fixed = np.array([[0.1, 0.3, 1, 1], [0.5, 0.8, 1, 1]], np.float32)
    assert convert_anchors(fixed, "it").format is AnchorFormat.CENTRE
    np.testing.assert_allclose(convert_anchors(fixed, "it").centres, fixed)
