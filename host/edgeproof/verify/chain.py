"""Attributes a difference: what conversion, quantization and the board's kernels each do to the same pictures."""

from collections.abc import Sequence

from edgeproof.record.detections import PictureResult
from edgeproof.record.verdict.chain import ChainLink, ChainStep
from edgeproof.record.verdict.parity import Parity
from edgeproof.verify.parity import compare_detections

CONVERSION = ChainLink(
    ChainStep.CONVERSION, missing="a bundle keeps no results of its source; export holds them against it as it is made"
)


def link_of(
    step: ChainStep, before: Sequence[PictureResult], after: Sequence[PictureResult], min_score: float
) -> ChainLink:
    """Holds two ends of a step against each other, picture by picture. One that an end cannot use differs in all that
    the other is confident of, and in one thing at least; one that neither can use says nothing."""
    same = differing = borderline = same_pictures = 0
    for one, other in zip(before, after, strict=True):
        if one.detections is None and other.detections is None:
            continue
        if one.detections is None or other.detections is None:
            alone = one.detections if other.detections is None else other.detections
            differing += 1 if alone is None else max(len(alone.above(min_score)), 1)
            continue
        counts = compare_detections(one.detections, other.detections, min_score)
        same += counts[0]
        differing += counts[1]
        borderline += counts[2]
        same_pictures += counts[1] == 0
    return ChainLink(step, same, differing, borderline, same_pictures)


def kernels_link(parity: Parity) -> ChainLink:
    """The board against the host, which is what parity is."""
    whole = sum(picture.differing == 0 and picture.note is None for picture in parity.pictures)
    return ChainLink(ChainStep.KERNELS, parity.confident - parity.differing, parity.differing, parity.borderline, whole)
