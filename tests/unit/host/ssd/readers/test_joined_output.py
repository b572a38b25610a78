"""A network whose one output holds scores, boxes, anchors and variances is taken apart."""

from pathlib import Path

import numpy as np
import pytest

from edgeproof.ssd.model import BoxScales
from edgeproof.ssd.readers.joined_output import find_joined_output, with_joined
from edgeproof.ssd.source_options import ScoreConverter, SourceOptions
from tests.support.networks import planted_conventions
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


@pytest.mark.tensorflow
def test_the_heads_of_a_joined_network_are_those_of_the_same_network_apart(tmp_path: Path) -> None:
    import tensorflow

    model = read_source(planted_conventions.save(tmp_path / "model", x_first=True, joined=True))
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
