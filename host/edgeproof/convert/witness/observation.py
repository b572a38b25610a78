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
    """Of the picture moved to the right; the same as `still` when the network is sure of nothing."""
    columns: Floats
    """[C + 1]: the mean score of each class over all anchors, as was said of the background first."""
    first_column_best: bool = False
    """Whether the anchor that is surest of anything is so by the first column."""


MOST, WEAKEST, SURE = 60, 0.3, 0.5
"""Anchors of a picture that are looked at, and the scores that they must have: all of them, and the best."""
NEARLY_EVERYWHERE = 0.5
"""Mean score over all anchors that only the background's column exceeds: it had .93 to .99 where no class had .08."""
NEIGHBOURS = 3
"""Others that each box is compared with."""


def observe(
    model: SsdModel, predictions: Predictions, pictures: Sequence[npt.NDArray[np.uint8]], contract: InputContract
) -> list[Observed]:
    """Runs the network on pictures, uint8 [H, W, 3] in BGR, prepared by `contract`. Imports TensorFlow."""
    observed = []
    for picture in pictures:
        tensor = prepare(picture, contract)
        still, scores = _look(model, predictions, tensor)
        moved = still
        if sure_of_something(still):
            step = round(SHIFT * tensor.shape[2])
            shifted = np.concatenate([np.repeat(tensor[:, :, :1], step, axis=2), tensor[:, :, :-step]], axis=2)
            moved = _look(model, predictions, shifted)[0]
        objects = object_columns(scores)
        first = bool(objects[0]) and int(scores[:, 0].argmax()) == int(scores[:, objects].max(axis=1).argmax())
        observed.append(Observed(still, moved, scores.mean(axis=0), first and float(scores[:, 0].max()) > SURE))
    return observed


def object_columns(scores: Floats) -> npt.NDArray[np.bool_]:
    """[C + 1]: the columns of the scores [A, C + 1] that are no background's, whatever was said of it.

    A trained network takes nearly every anchor for the background, and none of the classes.
    """
    objects = scores.mean(axis=0) <= NEARLY_EVERYWHERE
    return objects if objects.any() else np.ones(len(objects), np.bool_)


def sure_of_something(seen: Observation) -> bool:
    """Whether one anchor is sure, and others that it can be compared with are not far from it."""
    return len(seen.scores) > NEIGHBOURS and bool(seen.scores[0] > SURE)


def _look(model: SsdModel, predictions: Predictions, tensor: Floats) -> tuple[Observation, Floats]:
    image = import_tensorflow().constant(np.ascontiguousarray(tensor))
    with quiet():
        raw = predictions.module.raw_heads(image)
        # A second run is needed only where the scores were treated.
        same = model.heads.module.heads is predictions.module.raw_heads
        scores = np.asarray((raw if same else model.heads.module.heads(image))[1].numpy())[0]
        boxes = np.asarray(raw[0].numpy())[0]
    best = scores[:, object_columns(scores)].max(axis=1)
    rows = np.argsort(-best, kind="stable")[:MOST]
    rows = rows[best[rows] > WEAKEST]
    return Observation(boxes[rows], predictions.anchors[rows], best[rows]), scores
