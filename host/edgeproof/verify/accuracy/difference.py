"""The difference of mAP between two runs over the same labelled pictures, paired picture by picture."""

from edgeproof.record.accuracy.figures import Estimate
from edgeproof.record.accuracy.samples import AccuracySamples
from edgeproof.verify.accuracy.average_precision import mean_of, metrics_of, ranked
from edgeproof.verify.accuracy.intervals import interval
from edgeproof.verify.accuracy.resampling import RESAMPLES, draws, resampled


def same_pictures(one: AccuracySamples, other: AccuracySamples) -> bool:
    """Whether two were evaluated on the same pictures, with the same objects on them."""
    return (
        one.image_ids == other.image_ids
        and one.category_ids == other.category_ids
        and one.truth.rows().tobytes() == other.truth.rows().tobytes()
    )


def paired_change(before: AccuracySamples, after: AccuracySamples, resamples: int = RESAMPLES) -> Estimate:
    """mAP of `after` less that of `before`: below 0 it has become worse. Raises `ValueError` for other pictures."""
    if not same_pictures(before, after):
        raise ValueError("the two were not evaluated on the same pictures")
    times, classes = draws(len(before.image_ids), resamples), len(before.category_ids)
    (was, drawn_before), (now, drawn_after) = (
        (
            mean_of(metrics_of(side.truth, side.board, classes).precision[0]) or 0.0,
            resampled(ranked(side.truth, side.board, classes), times).map(),
        )
        for side in (before, after)
    )
    differing = before.board.differing_pictures(after.board)
    return interval(now - was, drawn_after - drawn_before, len(before.image_ids), low=-1.0, differing=differing)
