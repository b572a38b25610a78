"""Moves biases so that a quantized network's layers give the same on average as the float network's."""

from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.convert.correction.activations import Floats, InputMoments
from edgeproof.convert.correction.rounding import RoundedWeights


def corrected_bias(
    bias: npt.NDArray[Any], weights: npt.NDArray[Any], rounded: RoundedWeights, moments: InputMoments
) -> Floats:
    """The bias [O] that makes up for what rounding the weights does to the mean output, on inputs of that mean."""
    lost = weights.astype(np.float64) - rounded.as_float()
    if rounded.channel_axis == 3:
        shift: Floats = (lost.reshape(-1, lost.shape[3]).T * moments.mean).sum(1)
    else:
        shift = lost.reshape(len(lost), -1) @ moments.mean
    moved: Floats = bias.astype(np.float64) + shift
    return moved
