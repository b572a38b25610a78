"""What detections must be, wherever they come from: a model on the board, or a board's reply on the host."""

import numpy as np

MAX_CLASSES = 100_000
_SCORE_LOW, _SCORE_HIGH = -0.5, 1.5
"""Scores are probabilities. Quantization puts them a little beside 0 and 1; anything further is no score."""


class DetectionError(ValueError):
    """Detections of one picture that mean nothing; the message says why, as a sentence without its subject."""


def check_finite(name: str, values: np.ndarray) -> None:
    """Raises `DetectionError` when a value is not a number. One sum finds it: NaN and infinity survive additions."""
    with np.errstate(all="ignore"):
        total = values.sum()
    if not np.isfinite(total):
        raise DetectionError(f"the model gave {name} that are not finite numbers")


def check_detections(boxes: np.ndarray, classes: np.ndarray, scores: np.ndarray, max_rows: int) -> None:
    """`boxes` [N, 4], `classes` [N] of any dtype, `scores` [N]. Raises `DetectionError`."""
    if len(scores) > max_rows:
        raise DetectionError(f"the model gave {len(scores)} detections; its manifest allows {max_rows}")
    for name, values in (("boxes", boxes), ("classes", classes), ("scores", scores)):
        check_finite(name, values)
    if len(scores) == 0:
        return
    if classes.min() < 0 or classes.max() >= MAX_CLASSES:
        raise DetectionError(f"the model gave a class outside of 0 to {MAX_CLASSES - 1}")
    if scores.min() < _SCORE_LOW or scores.max() > _SCORE_HIGH:
        raise DetectionError(f"the model gave scores from {scores.min():.3g} to {scores.max():.3g}, not from 0 to 1")
