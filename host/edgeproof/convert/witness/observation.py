"""What a network says of pictures, and of the same pictures moved to the right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeproof.ssd.model import Predictions, SsdModel
from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet
from edgeproof_agent.bundle.manifest import InputContract
from edgeproof_agent.detection.preprocess import prepare

Floats = npt.NDArray[np.float32]

SHIFT = 0.1
"""Of the picture's width: more than the step of most grids of anchors, and little enough for people to stay in."""


@dataclass(frozen=True)
class Observation:
    """Of one picture; anchors that are strong enough, best first."""

    predictions: Floats
    """[N, 4]"""
    anchors: Floats
    """[N, 4] as the source gives them."""
    scores: Floats
    """[N] of the best class."""


@dataclass(frozen=True)
class Observed:
    still: Observation
    moved: Observation
    columns: Floats
    """[C + 1]: the mean score of each class over all anchors, background first."""


MOST, WEAKEST = 60, 0.3


def observe(
    model: SsdModel, predictions: Predictions, pictures: Sequence[npt.NDArray[np.uint8]], contract: InputContract
) -> list[Observed]:
    """Runs the network on pictures, uint8 [H, W, 3] in BGR, prepared by `contract`. Imports TensorFlow."""
    observed = []
    for picture in pictures:
        tensor = prepare(picture, contract)
        step = round(SHIFT * tensor.shape[2])
        moved = np.concatenate([np.repeat(tensor[:, :, :1], step, axis=2), tensor[:, :, :-step]], axis=2)
        still, scores = _look(model, predictions, tensor)
        observed.append(Observed(still, _look(model, predictions, moved)[0], scores.mean(axis=0)))
    return observed


def _look(model: SsdModel, predictions: Predictions, tensor: Floats) -> tuple[Observation, Floats]:
    image = import_tensorflow().constant(np.ascontiguousarray(tensor))
    with quiet():
        scores = np.asarray(model.heads.module.heads(image)[1].numpy())[0]
        boxes = np.asarray(predictions.module.raw_heads(image)[0].numpy())[0]
    best = scores[:, 1:].max(axis=1)
    rows = np.argsort(-best, kind="stable")[:MOST]
    rows = rows[best[rows] > WEAKEST]
    return Observation(boxes[rows], predictions.anchors[rows], best[rows]), scores
