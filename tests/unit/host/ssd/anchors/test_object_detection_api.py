"""Anchors are those of the Object Detection API's generators, whose values are recorded here and in odapi_networks."""

import numpy as np
import numpy.typing as npt
import pytest

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.anchors.object_detection_api import MultiscaleAnchorGenerator, SsdAnchorGenerator
from edgeproof.ssd.checkpoint.config_file import read_config
from edgeproof.ssd.checkpoint.pipeline_config import read_pipeline_config
from tests.support.networks.odapi_network import NAMES, RecordedNetwork

RATIOS = (1.0, 2.0, 0.5, 3.0, 0.3333)
GRIDS = {
    "mobilenet_v1": [(10, 10), (5, 5), (3, 3), (2, 2), (1, 1), (1, 1)],
    "mobilenet_v1_fpnlite": [(40, 40), (20, 20), (10, 10), (5, 5)],
    "mobilenet_v2_every_setting": [(10, 12), (5, 6), (3, 3), (2, 2), (1, 1)],
    "mobilenet_v2_fpn_explicit_padding": [(24, 24), (12, 12), (6, 6), (3, 3), (2, 2)],
    "mobilenet_v2_fpnlite": [(40, 40), (20, 20), (10, 10), (5, 5), (3, 3)],
    "mobilenet_v2_shared_head": [(10, 10), (5, 5), (3, 3), (2, 2), (1, 1), (1, 1)],
    "mobilenet_v2_ssdlite": [(12, 10), (6, 5), (3, 3), (2, 2), (1, 1), (1, 1)],
}
"""Sides of the feature maps that the API's networks gave."""
SSD_300_FIRST = [[0.0263158, 0.0263158, *size] for size in ((0.1, 0.1), (0.1414214, 0.2828427), (0.2828427, 0.1414214))]
SSD_300_SECOND = [
    [0.05, 0.05, 0.35, 0.35],
    [0.05, 0.05, 0.2474874, 0.4949748],
    [0.05, 0.05, 0.4949748, 0.2474874],
    [0.05, 0.05, 0.2020726, 0.6062178],
    [0.05, 0.05, 0.6062481, 0.2020625],
    [0.05, 0.05, 0.4183300, 0.4183300],
]


def corners(anchors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    y, x, height, width = anchors.T
    return np.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=1)


@pytest.mark.parametrize("name", NAMES)
def test_the_anchors_of_the_recorded_networks(name: str) -> None:
    network = RecordedNetwork(name)
    config = read_pipeline_config(read_config(network.config))
    anchors = corners(config.anchor_generator.generate(GRIDS[name], config.height, config.width))
    recorded = network.numbers["anchors"]
    assert list(anchors.shape) == recorded["shape"]
    np.testing.assert_allclose(anchors.reshape(-1)[recorded["positions"]], recorded["values"], atol=1e-6)
    assert anchors.mean(dtype=np.float64) == pytest.approx(recorded["mean"], abs=1e-6)
    assert anchors.std(dtype=np.float64) == pytest.approx(recorded["std"], abs=1e-6)


def test_the_anchors_of_the_usual_ssd_of_300_pixels() -> None:
    """ssd_mobilenet_v2_320x320_coco17: what the API puts at the first place of two layers."""
    anchors = SsdAnchorGenerator(aspect_ratios=RATIOS).generate(
        [(19, 19), (10, 10), (5, 5), (3, 3), (2, 2), (1, 1)], 300, 300
    )
    assert anchors.shape == (1917, 4)
    np.testing.assert_allclose(anchors[:3], SSD_300_FIRST, atol=1e-6)
    np.testing.assert_allclose(anchors[1083:1089], SSD_300_SECOND, atol=1e-6)


def test_where_the_grid_does_not_divide_the_picture_the_anchors_are_not_centred() -> None:
    """320 is no multiple of 128: the API puts the coarsest anchors of ssd_mobilenet_v2_fpnlite_320x320 at corners."""
    generator = MultiscaleAnchorGenerator(3, 7, 4.0, (1.0, 2.0, 0.5), 2)
    anchors = generator.generate([(40, 40), (20, 20), (10, 10), (5, 5), (3, 3)], 320, 320)
    assert anchors.shape == (12804, 4)
    np.testing.assert_allclose(anchors[0], [0.0125, 0.0125, 0.1, 0.1], atol=1e-7)
    np.testing.assert_allclose(anchors[-54], [0, 0, 1.6, 1.6], atol=1e-7)
    np.testing.assert_allclose(anchors[-1], [0.8, 0.8, 3.2, 1.6], atol=1e-6)


@pytest.mark.parametrize(
    ("generator", "words"),
    [
        (SsdAnchorGenerator(aspect_ratios=RATIOS), "for 6 layers, and has 2 feature maps"),
        (SsdAnchorGenerator(num_layers=2, strides=((8, 8),), aspect_ratios=RATIOS), "2 layers, and has 1 strides"),
        (SsdAnchorGenerator(num_layers=1, aspect_ratios=RATIOS), "one layer and no scales"),
        (MultiscaleAnchorGenerator(aspect_ratios=RATIOS), "for 5 levels, and the network has 2"),
    ],
)
def test_a_generator_for_another_number_of_feature_maps_is_refused(
    generator: SsdAnchorGenerator | MultiscaleAnchorGenerator, words: str
) -> None:
    with pytest.raises(NotAnSsdError, match=words):
        generator.generate([(4, 4), (2, 2)], 64, 64)
