"""A network whose one output holds scores, boxes, anchors and variances is taken apart."""

from pathlib import Path

import numpy as np
import pytest

from edgeproof.ssd.model import BoxScales
from edgeproof.ssd.readers.joined_output import find_joined_output, with_joined
from edgeproof.ssd.source_options import AnchorFormat, ScoreConverter, SourceOptions
from tests.support.library_records import decode
from tests.support.networks import planted_conventions, replayed_heads
from tests.support.reading import read_source

VARIANCES = [0.1, 0.25, 0.2, 0.5]


def output(seed: int = 0, variances: list[float] = VARIANCES, normalised: bool = True) -> dict[str, np.ndarray]:
    """[1, 5, 3 + 12]; anchors and variances do not depend on the seed."""
    random = np.random.default_rng(seed)
    scores = random.uniform(0.1, 0.9, (5, 3))
    if normalised:
        scores /= scores.sum(axis=1, keepdims=True)
    anchors = np.linspace(0.1, 0.9, 20).reshape(5, 4)
    parts = [scores, random.normal(size=(5, 4)), anchors, np.tile(variances, (5, 1))]
    return {"all": np.concatenate(parts, axis=1)[None].astype(np.float32)}


def test_scores_anchors_and_variances_are_told_by_columns_and_values() -> None:
    joined = find_joined_output(output(), output(1))
    assert joined is not None
    assert (joined.name, joined.classes, joined.activation) == ("all", 3, ScoreConverter.SOFTMAX)
    np.testing.assert_allclose(joined.anchors[1], np.linspace(0.1, 0.9, 20)[4:8], rtol=1e-6)
    # The predictions are x first, the scales are y first.
    assert with_joined(SourceOptions(), joined).box_scales == (4, 10, 2, 5)
    assert with_joined(SourceOptions(box_scales=(1, 2, 3, 4)), joined).box_scales == (1, 2, 3, 4)
    sigmoid = find_joined_output(output(normalised=False), output(1, normalised=False))
    assert sigmoid is not None
    assert sigmoid.activation is ScoreConverter.SIGMOID


def test_what_moves_with_the_picture_or_is_no_variance_is_no_joined_output() -> None:
    moving = output(1)
    moving["all"][0, 0, -8] += 1
    assert find_joined_output(output(), moving) is None
    nothing = [0.0, 0.1, 0.1, 0.1]
    assert find_joined_output(output(variances=nothing), output(1, nothing)) is None
    assert find_joined_output({**output(), "more": np.zeros(1)}, output(1)) is None


def test_boxes_that_stand_first_are_told_by_the_scores_that_add_up_to_one() -> None:
    def turned(seed: int) -> dict[str, np.ndarray]:
        values = output(seed)["all"]
        return {"all": np.concatenate([values[:, :, 3:7], values[:, :, :3], values[:, :, 7:]], axis=2)}

    joined = find_joined_output(turned(0), turned(1))
    assert joined is not None
    assert (joined.boxes_first, joined.classes, joined.activation) == (True, 3, ScoreConverter.SOFTMAX)
    assert with_joined(SourceOptions(), joined).anchor_format is AnchorFormat.CORNERS
    assert with_joined(SourceOptions(anchor_format=AnchorFormat.CENTRE), joined).anchor_format is AnchorFormat.CENTRE


@pytest.mark.tensorflow
@pytest.mark.parametrize("layout", ["scores first", "boxes first"])
def test_the_heads_of_a_joined_network_are_those_of_the_same_network_apart(tmp_path: Path, layout: str) -> None:
    import tensorflow

    model = read_source(planted_conventions.save(tmp_path / "model", x_first=True, joined=layout))
    assert model.box_scales == BoxScales(10, 10, 5, 5)
    np.testing.assert_allclose(model.anchors, planted_conventions.anchors(), atol=1e-6)
    picture = np.full((1, 64, 64, 3), -1, np.float32)
    picture[:, 16:48, 8:24] = 1
    boxes, scores = model.heads.module.heads(tensorflow.constant(picture))
    best = int(scores.numpy()[0, :, 1].argmax())
    cy, cx, h, w = model.anchors[best]
    ty, tx, th, tw = boxes.numpy()[0, best]
    found = [ty / 10 * h + cy, tx / 10 * w + cx, np.exp(th / 5) * h, np.exp(tw / 5) * w]
    np.testing.assert_allclose(found, [0.5, 0.25, 0.5, 0.25], atol=1e-5)


# Rows of ssd_keras, and what its ssd_encoder_decoder/ssd_output_decoder.py (commit 16163c0) decodes of them in
# "centroids": ymin, xmin, ymax, xmax.
ROWS = [
    [0.326768, 0.327887, 0.216398, 0.128947, 0.614457, 1.244783, -2.464535, -0.385095, 0.208722, 0.759934, 0.373682,
     0.28553, 0.1, 0.1, 0.2, 0.2],
    [0.096736, 0.395798, 0.418587, 0.088879, -1.471121, -0.259733, -1.934128, 0.031036, 0.251495, 0.706956, 0.188755,
     0.356376, 0.1, 0.1, 0.2, 0.2],
    [0.145045, 0.305458, 0.282698, 0.266799, -1.636993, -2.032813, 0.337179, -1.664025, 0.439655, 0.761865, 0.354155,
     0.250605, 0.1, 0.1, 0.2, 0.2],
]  # fmt: skip
DECODED = [
    [0.663295, 0.117551, 0.927659, 0.345814],
    [0.518402, 0.159625, 0.876997, 0.28783],
    [0.621091, 0.19225, 0.800753, 0.571111],
]


@pytest.mark.tensorflow
def test_rows_of_ssd_keras_are_decoded_as_ssd_keras_decodes_them(tmp_path: Path) -> None:
    import tensorflow

    white = np.ones((32, 32, 3), np.float32)
    rows = np.array(ROWS, np.float32)
    model = read_source(replayed_heads.save_joined(tmp_path / "model", white, rows, predictions=8))
    encodings, scores = model.heads.module.heads(tensorflow.constant(white[None]))
    np.testing.assert_allclose(decode(encodings.numpy()[0], model), DECODED, atol=1e-5)
    np.testing.assert_allclose(scores.numpy()[0], np.array(ROWS)[:, :4], atol=1e-5)
