"""Runs a network's heads once, to learn their shapes and that their numbers make sense."""

from typing import Any

import numpy as np

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.model import Heads
from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet


def probe_heads(module: Any, height: int, width: int, file_name: str) -> Heads:
    """Calls `module.heads` with zeros, float32 [1, height, width, 3].

    Raises NotAnSsdError when it does not run, or gives scores outside 0..1 (logits) or numbers that are not finite.
    """
    tensorflow = import_tensorflow()
    try:
        with quiet():
            outputs = module.heads(tensorflow.zeros([1, height, width, 3], tensorflow.float32))
            boxes, scores = (np.asarray(output.numpy()) for output in outputs)
    except (tensorflow.errors.OpError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise NotAnSsdError(
            f"{file_name}: its heads do not run on a picture of {width} x {height} ({reason}). "
            "Export the model again from its training framework."
        ) from error
    for name, values in (("box encodings", boxes), ("class scores", scores)):
        if values.dtype != np.float32:
            raise NotAnSsdError(f"{file_name}: the {name} are {values.dtype}; edgeproof reads float32 models.")
        if not np.isfinite(values).all():
            raise NotAnSsdError(f"{file_name}: the {name} of an empty picture are not finite. Is the training sound?")
    if scores.size and (scores.min() < -1e-6 or scores.max() > 1 + 1e-6):
        raise NotAnSsdError(
            f"{file_name}: the class scores lie between {scores.min():.3g} and {scores.max():.3g}: these are logits. "
            "edgeproof needs the scores after sigmoid or softmax."
        )
    return Heads(module, boxes.shape, scores.shape)
