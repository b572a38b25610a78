"""Generated anchors are those of the library whose options the description holds."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.errors import UsageError
from edgeproof.ssd.anchors.described import generate_anchors
from edgeproof.ssd.conventions import CoordinateOrder
from edgeproof.ssd.files.anchors import read_anchors
from edgeproof.ssd.source_options import AnchorFormat
from tests.support.library_records import frozen_records

VECTORS = frozen_records(Path(__file__).parent.parent / "library_vectors.json")

MOBILE_SSD: dict[str, Any] = {
    "generator": "mediapipe",
    "num_layers": 6,
    "min_scale": 0.2,
    "max_scale": 0.95,
    "input_size_height": 300,
    "input_size_width": 300,
    "strides": [16, 32, 64, 128, 256, 512],
    "aspect_ratios": [1.0, 2.0, 0.5, 3.0, 0.3333],
    "reduce_boxes_in_lowest_layer": True,
}
SSD300: dict[str, Any] = {
    "generator": "torchvision-ssd",
    "aspect_ratios": [[2], [2, 3], [2, 3], [2, 3], [2], [2]],
    "scales": [0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05],
    "steps": [8, 16, 32, 64, 100, 300],
    "feature_maps": [[38, 38], [19, 19], [10, 10], [5, 5], [3, 3], [1, 1]],
}
SSDLITE: dict[str, Any] = {
    "generator": "torchvision-ssd",
    "aspect_ratios": [[2, 3]] * 6,
    "min_ratio": 0.2,
    "max_ratio": 0.95,
    "feature_maps": [[20, 20], [10, 10], [5, 5], [3, 3], [2, 2], [1, 1]],
}


def test_mediapipes_mobile_ssd() -> None:
    """Rows of anchor_golden_file_1.txt beside MediaPipe's own test of its calculator: x, y, width, height."""
    anchors = generate_anchors(MOBILE_SSD, "it", 300, 300)
    assert anchors.shape == (1917, 4)
    golden = {
        0: (0.0263158, 0.0263158, 0.1, 0.1),
        1: (0.0263158, 0.0263158, 0.282843, 0.141421),
        5: (0.0789474, 0.0263158, 0.141421, 0.282843),
        57: (0.0263158, 0.0789474, 0.1, 0.1),
        1900: (0.25, 0.75, 1.13137, 0.565686),
        1903: (0.25, 0.75, 0.461857, 1.38571),
        1904: (0.25, 0.75, 0.87178, 0.87178),
        1916: (0.5, 0.5, 0.974679, 0.974679),
    }
    for row, (x, y, width, height) in golden.items():
        assert anchors[row].tolist() == pytest.approx([y, x, height, width], abs=1e-5)


def test_mediapipes_retinanet() -> None:
    """Rows of anchor_golden_file_2.txt."""
    description = {
        "generator": "mediapipe",
        "strides": [64, 128],
        "aspect_ratios": [1.0, 2.0, 0.5],
        "multiscale_anchor_generation": True,
        "min_level": 6,
        "max_level": 7,
        "anchor_scale": 3.0,
        "scales_per_octave": 3,
    }
    anchors = generate_anchors(description, "it", 640, 640)
    assert anchors.shape == (9 * (100 + 25), 4)
    golden = {
        0: (0.05, 0.05, 0.3, 0.3),
        2: (0.05, 0.05, 0.47622, 0.47622),
        3: (0.05, 0.05, 0.424264, 0.212132),
        8: (0.05, 0.05, 0.336739, 0.673477),
        9: (0.15, 0.05, 0.3, 0.3),
        90: (0.05, 0.15, 0.3, 0.3),
        97: (0.05, 0.15, 0.26727, 0.534539),
    }
    for row, (x, y, width, height) in golden.items():
        assert anchors[row].tolist() == pytest.approx([y, x, height, width], abs=1e-5)


def test_mediapipes_face_detection_joins_layers_of_one_stride_and_fixes_the_size() -> None:
    """As anchor_golden_file_0.txt has it for strides 8, 16, 32, 32, 32 of 256 pixels."""
    description = {
        "generator": "mediapipe",
        "num_layers": 5,
        "min_scale": 0.1171875,
        "max_scale": 0.75,
        "strides": [8, 16, 32, 32, 32],
        "aspect_ratios": [1.0],
        "fixed_anchor_size": True,
    }
    anchors = generate_anchors(description, "it", 256, 256)
    assert len(anchors) == 32 * 32 * 2 + 16 * 16 * 2 + 8 * 8 * 6
    assert (anchors[:, 2:] == 1).all()
    # The six of one place stand together.
    assert np.allclose(anchors[-6:, :2], 15 / 16)
    assert np.allclose(anchors[-7, :2], [15 / 16, 13 / 16])


@pytest.mark.parametrize(
    ("family", "description"),
    [
        ("torchvision-ssd300", SSD300),
        ("torchvision-ssdlite", SSDLITE),
        ("torchvision-retinanet", {"generator": "torchvision-retinanet"}),
        ("efficientdet", {"generator": "efficientdet"}),
        ("efficientdet-lite", {"generator": "efficientdet", "anchor_scale": 3.0}),
        ("keras-retinanet", {"generator": "keras-retinanet", "sizes": [32], "strides": [8]}),
    ],
)
def test_a_librarys_own_anchors_stand_in_their_places(family: str, description: dict[str, Any]) -> None:
    """tests/families/freeze.py keeps, of the anchors of the library's own network, six in even steps of those that end
    within the picture: a single one that is elsewhere moves all behind it."""
    record = VECTORS[family]
    height, width = record.picture.shape[:2]
    generated = generate_anchors(description, "it", height, width) * np.array([height, width] * 2, np.float32)
    low, high = generated[:, :2] - generated[:, 2:] / 2, generated[:, :2] + generated[:, 2:] / 2
    corners = np.concatenate([low, high], axis=1)
    if family.startswith(("torchvision", "keras")):
        corners = corners[:, [1, 0, 3, 2]]
    inside = np.flatnonzero((corners[:, 2:] < min(height, width) - 1e-3).all(axis=1))
    chosen = inside[np.linspace(0, len(inside) - 1, len(record.anchors)).astype(int)]
    np.testing.assert_allclose(corners[chosen], record.anchors, atol=2e-3)


def test_torchvisions_boxes_of_a_place_stand_in_its_order_and_are_clipped() -> None:
    """Rows of torchvision 0.29.1's DefaultBoxGenerator for ssd300_vgg16: x1, y1, x2, y2 in pixels."""
    y, x, height, width = (generate_anchors(SSD300, "it", 300, 300) * 300).T
    corners = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)
    rows = {
        1: (-11.370427, -11.370427, 19.370426, 19.370426),
        2: (-10.849242, -3.424621, 18.849241, 11.424622),
        3: (-3.424621, -10.849242, 11.424622, 18.849241),
        5780: (-30.971142, -4.990381, 46.971146, 20.990381),
        5781: (-4.990381, -30.971142, 20.990381, 46.971146),
        8729: (6.634212, 6.634212, 293.365784, 293.365784),
        8730: (0.0, 57.722569, 300.0, 242.277435),
    }
    for row, wanted in rows.items():
        assert corners[row].tolist() == pytest.approx(wanted, abs=1e-3)


def test_mediapipes_offsets_of_x_and_y_are_told_apart() -> None:
    anchors = generate_anchors({**MOBILE_SSD, "anchor_offset_x": 0.0}, "it", 300, 300)
    assert anchors[0, :2].tolist() == pytest.approx([0.5 / 19, 0])


def test_a_description_of_a_generator_is_read_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "anchors.json"
    path.write_text(json.dumps({**SSDLITE, "box_scales": [10, 10, 5, 5]}))
    # What was said of the anchors' order and format is for those that a file lists.
    anchors = read_anchors(path, AnchorFormat.CORNERS, CoordinateOrder.XY, (320, 320), (320, 320))
    assert (anchors.format, anchors.order) == (AnchorFormat.CENTRE, CoordinateOrder.YX)
    assert anchors.box_scales == (10, 10, 5, 5)
    assert len(anchors.centres) == 6 * (400 + 100 + 25 + 9 + 4 + 1)
    with pytest.raises(UsageError, match=r"anchors.json: the anchor description needs"):
        read_anchors(path)


def test_multiscale_and_ssd_anchor_generators_take_their_protos_fields() -> None:
    ssd = {"generator": "ssd_anchor_generator", "num_layers": 2, "feature_maps": [[2, 2], [1, 1]]}
    # Three boxes at the lowest layer, then the square between two scales alone.
    assert generate_anchors({**ssd, "min_scale": 0.2, "max_scale": 0.9}, "it", 64, 64).shape == (13, 4)
    multiscale = {"generator": "multiscale_anchor_generator", "min_level": 3, "max_level": 4}
    assert generate_anchors(multiscale, "it", 64, 64).shape == ((64 + 16) * 6, 4)


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ({"generator": "yolo"}, r"\"generator\" is 'yolo'; edgeproof knows mediapipe, ssd_anchor_generator"),
        ({"generator": ["mediapipe"]}, r"edgeproof knows mediapipe"),
        ({**MOBILE_SSD, "stride": 3}, r"no option 'stride'"),
        ({**MOBILE_SSD, "strides": [16]}, r"6 layers and 1 feature maps"),
        ({**MOBILE_SSD, "strides": [16, 0]}, r'"strides" must be a list of numbers above 0'),
        ({**MOBILE_SSD, "strides": "16"}, r'"strides" must be a list'),
        ({**MOBILE_SSD, "strides": [1.5]}, r"whole numbers"),
        ({**MOBILE_SSD, "min_scale": "a"}, r"\"min_scale\" is 'a'"),
        ({**MOBILE_SSD, "min_scale": float("nan")}, r"\"min_scale\" is nan"),
        ({**MOBILE_SSD, "num_layers": 2.5}, r'"num_layers" is 2.5; it must be a whole number'),
        ({**MOBILE_SSD, "reduce_boxes_in_lowest_layer": 1}, r"true or false"),
        ({**MOBILE_SSD, "input_size_height": 320}, r"for 320 x 300, and the network takes 300 x 300"),
        ({"generator": "ssd_anchor_generator"}, r'"feature_maps": \[\[19, 19\]'),
        ({"generator": "ssd_anchor_generator", "height_stride": [16]}, r"as many for the height as for the width"),
        ({"generator": "torchvision-ssd"}, r'say "aspect_ratios"'),
        ({**SSD300, "scales": [0.1]}, r"6 feature maps, which need 7 scales, not 1"),
        ({**SSD300, "feature_maps": [[1, 2, 3]]}, r"list of rows and columns"),
        ({**SSD300, "feature_maps": [[1e6, 1e6]] * 6}, r"a feature map of 1000000 x 1000000"),
        ({"generator": "efficientdet", "max_level": 64}, r'"max_level" is 64'),
        ({"generator": "efficientdet", "min_level": 8}, r'"max_level" is below'),
        ({"generator": "multiscale_anchor_generator", "min_level": 8}, r'"max_level" is below'),
        ({"generator": "keras-retinanet", "sizes": [32]}, r"1 sizes and 5 strides"),
        ({"generator": "torchvision-retinanet", "sizes": [[32]], "feature_maps": [[4, 4], [2, 2]]}, r"has 2"),
    ],
)
def test_a_wrong_description_is_told(description: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=rf"^it: .*{words}"):
        generate_anchors(description, "it", 300, 300)
