"""Whether a board does the same as the host with one picture, and if not, from which step on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.record.detections import Detections, PictureResult
from edgeproof.record.verdict.parity import Parity, ParityStage, PictureParity
from edgeproof.verify.binomial import share_bounds
from edgeproof.verify.matching import counterparts
from edgeproof.verify.verdict import Interval

CONFIDENCE = 0.95
"""One-sided, of the bounds of the share that differs."""
SCORE_TOLERANCE = 0.02
"""A detection this near to the threshold may be on either side of it for a rounding."""
_SAME_BOX_IOU = 0.9
_SAME_SCORE = 0.05
"""A detection that both have but with less overlap, or scores further apart, differs."""
OUTPUT_TOLERANCE = 1e-5
"""Of the largest magnitude in a tensor. ai-edge-litert's float32 kernels for x86 and aarch64 agree to 1e-6, its int8
kernels in every bit; those of tflite-runtime round otherwise on ARM, where outputs may part and detections agree."""


def share_differing(parity: Parity) -> Interval:
    """The share of confident detections that differ, 0..1: each end holds with `CONFIDENCE`, one-sided."""
    return Interval(*share_bounds(parity.differing, parity.confident, 2.0 * CONFIDENCE - 1.0))


def output_delta(host: Sequence[npt.NDArray[Any]], board: Sequence[npt.NDArray[Any]]) -> float | None:
    """The largest difference of an element over the largest magnitude in its tensor.

    None when shapes differ, or an element is not finite: then no number tells how far they are apart.
    """
    if len(host) != len(board) or any(
        one.shape != other.shape or one.dtype != other.dtype for one, other in zip(host, board, strict=True)
    ):
        return None
    deltas = [0.0]
    for one, other in zip(host, board, strict=True):
        if one.size:
            wide, far = one.astype(np.float64), other.astype(np.float64)
            if not (np.isfinite(wide).all() and np.isfinite(far).all()):
                return None
            deltas.append(float(np.abs(wide - far).max() / max(np.abs(wide).max(), 1e-12)))
    return max(deltas)


def outputs_needed(host: PictureResult, board: PictureResult) -> bool:
    """Whether the raw outputs must be compared by value: an equal input gave others, and digests do not say how far."""
    one, other = host.digests, board.digests
    return one is not None and other is not None and one.input == other.input and one.outputs != other.outputs


def picture_parity(
    host: PictureResult, board: PictureResult, min_score: float, delta: float | None = None
) -> PictureParity:
    """Holds two results with digests against each other. `delta` is `output_delta` where `outputs_needed`."""
    if host.detections is None or board.detections is None:
        return _without_detections(host, board, min_score)
    same, differing, borderline = compare_detections(host.detections, board.detections, min_score)
    stage = _first_stage_apart(host, board, delta)
    if stage is None and differing:
        stage = ParityStage.DETECTIONS
    return PictureParity(host.name, stage, same, differing, borderline, delta)


def compare_detections(host: Detections, board: Detections, min_score: float) -> tuple[int, int, int]:
    """(same, differing, borderline) confident detections: see `PictureParity`.

    A detection that the other has on the other side of the threshold, within `SCORE_TOLERANCE` of it, is borderline.
    """
    same, borderline, lost, taken = _held_against(host, board, min_score)
    extra = [index for index in range(len(board)) if index not in taken and board.scores[index] >= min_score]
    _, crossing, added, _ = _held_against(board.at(extra), host.at(host.scores < min_score), min_score)
    return same, lost + added, borderline + crossing


def _held_against(found: Detections, others: Detections, min_score: float) -> tuple[int, int, int, set[int]]:
    """Of the confident ones of `found`: the same among the confident `others`, borderline, differing; whom they met."""
    low, high = min_score - SCORE_TOLERANCE, min_score + SCORE_TOLERANCE
    confident = found.above(min_score)
    near = np.flatnonzero(others.scores >= low)
    reachable = others.at(near)
    same = borderline = differing = 0
    taken: set[int] = set()
    for score, counterpart in zip(confident.scores, counterparts(confident, reachable), strict=True):
        if counterpart is None:
            borderline += int(score < high)
            differing += int(score >= high)
            continue
        index, overlap = counterpart
        taken.add(int(near[index]))
        other = float(reachable.scores[index])
        alike = overlap >= _SAME_BOX_IOU and abs(float(score) - other) <= _SAME_SCORE
        differing += int(not alike)
        same += int(alike and other >= min_score)
        borderline += int(alike and other < min_score)
    return same, borderline, differing, taken


def _first_stage_apart(host: PictureResult, board: PictureResult, delta: float | None) -> ParityStage | None:
    one, other = host.digests, board.digests
    if one is None or other is None:
        raise ValueError("parity is told from digests, and there are none")
    if one.pixels != other.pixels:
        return ParityStage.PIXELS
    if one.input != other.input:
        return ParityStage.INPUT
    apart = one.outputs != other.outputs and (delta is None or delta > OUTPUT_TOLERANCE)
    return ParityStage.OUTPUTS if apart else None


def _without_detections(host: PictureResult, board: PictureResult, min_score: float) -> PictureParity:
    """A picture that one machine alone can use differs: in all that is confident there, and in one thing at least."""
    if host.error == board.error:
        return PictureParity(host.name, None, note=f"neither can use it: {host.error}")
    words = [f"{who}: {result.error}" for who, result in (("host", host), ("board", board)) if result.error]
    unread = host.width == 0 or board.width == 0
    stage = ParityStage.PIXELS if unread else ParityStage.OUTPUTS
    alone = board.detections if host.detections is None else host.detections
    differing = 0 if alone is None else max(len(alone.above(min_score)), 1)
    return PictureParity(host.name, stage, differing=differing, note="; ".join(words))
