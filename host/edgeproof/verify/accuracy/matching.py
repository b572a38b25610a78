"""Which detection finds which object, by COCO's rules (https://cocodataset.org/#detection-eval).

The reference is pycocotools 2.0 (`COCOeval.evaluateImg`), which goes picture by picture; here the first detections of
all pictures and classes are matched at once, then the second ones, and so on.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeproof.record.accuracy.figures import MAX_DETECTIONS
from edgeproof.record.accuracy.samples import FoundObjects, LabelledObjects

IOUS = np.linspace(0.5, 0.95, 10)
"""T thresholds: from such an overlap on an object is found."""
_PAIRS_AT_ONCE = 2_000_000

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
AreaRange = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Candidates:
    """Detections in the order in which they are matched, and the objects that each overlaps with enough."""

    places: Places
    """[N] The detections that count, as places among those found: of a picture and class the 100 best."""
    ranks: Places
    """[N] 0 for the best of its picture and class."""
    detections: Places
    """[P] Of each pair, its place in `places`."""
    objects: Places
    """[P] Of each pair, the object."""
    ious: Floats
    """[P] from the lowest of `IOUS` on."""


@dataclass(frozen=True, eq=False)
class Matches:
    """For one range of areas."""

    found: Flags
    """[T, N] Whether a detection finds an object that counts."""
    counted: Flags
    """[T, N] Whether it counts: what finds a crowd or an object of another size is neither right nor wrong."""
    objects: Flags
    """[G] Which objects count."""


def candidates_of(truth: LabelledObjects, found: FoundObjects) -> Candidates:
    order = np.lexsort((-found.scores, found.classes, found.pictures))  # stable: ties as the model gave them
    ranks = _ranks(found.pictures[order], found.classes[order])
    kept = ranks < MAX_DETECTIONS[-1]
    places, ranks = order[kept], ranks[kept]
    detections, objects, ious = _overlapping(truth, found, places)
    return Candidates(places, ranks, detections, objects, ious)


def match(truth: LabelledObjects, found: FoundObjects, candidates: Candidates, area: AreaRange) -> Matches:
    """Each detection takes the free object that it overlaps most, one that counts before one that does not."""
    low, high = area
    ignored = truth.crowd | (truth.areas < low) | (truth.areas > high)
    size = found.boxes[candidates.places, 2] * found.boxes[candidates.places, 3]
    count = len(candidates.places)
    matched = np.full((len(IOUS), count), -1, np.int64)
    taken = np.zeros((len(IOUS), len(truth)), bool)
    # Of equal overlaps pycocotools takes the last object.
    best_first = np.lexsort((-candidates.objects, -candidates.ious, ignored[candidates.objects], candidates.detections))
    by_rank = best_first[np.argsort(candidates.ranks[candidates.detections[best_first]], kind="stable")]
    ranks = candidates.ranks[candidates.detections[by_rank]]
    for begin, end in _groups(ranks):
        pairs = by_rank[begin:end]
        _match_at_once(candidates, pairs, truth.crowd, taken, matched)
    is_matched = matched >= 0
    beyond = (size < low) | (size > high)
    of_ignored = ignored[matched] if len(truth) else np.zeros_like(is_matched)
    not_counted = np.where(is_matched, of_ignored, beyond[np.newaxis])
    return Matches(is_matched & ~not_counted, ~not_counted, ~ignored)


def _match_at_once(candidates: Candidates, pairs: Places, crowd: Flags, taken: Flags, matched: Places) -> None:
    """Detections no two of which are of one picture and class; the pairs of each together, best first."""
    objects = candidates.objects[pairs]
    free = (candidates.ious[pairs] >= IOUS[:, np.newaxis]) & (~taken[:, objects] | crowd[objects])
    starts = _starts(candidates.detections[pairs])
    first = np.minimum.reduceat(np.where(free, np.arange(len(pairs)), len(pairs)), starts, axis=1)
    thresholds, which = np.nonzero(first < len(pairs))
    chosen = first[thresholds, which]
    matched[thresholds, candidates.detections[pairs[chosen]]] = objects[chosen]
    taken[thresholds, objects[chosen]] = True


def _overlapping(truth: LabelledObjects, found: FoundObjects, places: Places) -> tuple[Places, Places, Floats]:
    """(detection, object, IoU) of each pair of one picture and class that overlaps enough for the lowest threshold."""
    by_group = np.lexsort((truth.classes, truth.pictures))  # stable
    most = int(max(truth.classes.max(initial=0), found.classes.max(initial=0))) + 1
    keys = truth.pictures[by_group] * most + truth.classes[by_group]
    wanted = found.pictures[places] * most + found.classes[places]
    begins, ends = (np.searchsorted(keys, wanted, side) for side in ("left", "right"))
    counts = ends - begins
    parts: list[tuple[Places, Places, Floats]] = []
    for begin, end in _chunks(counts):
        detections = np.repeat(np.arange(begin, end), counts[begin:end])
        within = np.arange(len(detections)) - np.repeat(
            np.cumsum(counts[begin:end]) - counts[begin:end], counts[begin:end]
        )
        objects = by_group[begins[detections] + within]
        ious = overlaps(found.boxes[places[detections]], truth.boxes[objects], truth.crowd[objects])
        near = ious >= IOUS[0]
        parts.append((detections[near], objects[near], ious[near]))
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    detections, objects, ious = (np.concatenate(column) for column in zip(*parts, strict=True))
    return detections, objects, ious


def overlaps(found: Floats, objects: Floats, crowd: Flags) -> Floats:
    """IoU [P] of boxes [P, 4] as x, y, width, height; with a crowd, the share of the detection that lies on it.

    The operations of `bbIou` in pycocotools, in its order, so that even the last bit is the same.
    """
    left, top, width, height = found.T
    other_left, other_top, other_width, other_height = objects.T
    across = np.minimum(width + left, other_width + other_left) - np.maximum(left, other_left)
    down = np.minimum(height + top, other_height + other_top) - np.maximum(top, other_top)
    shared = np.where((across > 0) & (down > 0), across * down, 0.0)
    own = width * height
    union = np.where(crowd, own, own + other_width * other_height - shared)
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0), np.float64)


def _ranks(pictures: Places, classes: Places) -> Places:
    """The place of each in its run of one picture and class."""
    if not len(pictures):
        return np.zeros(0, np.int64)
    new = np.r_[True, (np.diff(pictures) != 0) | (np.diff(classes) != 0)]
    starts = np.flatnonzero(new)
    return np.arange(len(pictures)) - np.repeat(starts, np.diff(np.r_[starts, len(pictures)]))


def _starts(values: Places) -> Places:
    """Where each run of equal values begins."""
    return np.flatnonzero(np.r_[True, np.diff(values) != 0])


def _groups(values: Places) -> list[tuple[int, int]]:
    """Begin and end of each run of equal values."""
    if not len(values):
        return []
    starts = _starts(values)
    return list(zip(starts.tolist(), [*starts[1:].tolist(), len(values)], strict=True))


def _chunks(counts: Places) -> list[tuple[int, int]]:
    """Begin and end of parts that have so many pairs together, or a single detection more."""
    chunks, begin = [], 0
    sums = np.cumsum(counts)
    while begin < len(counts):
        before = sums[begin - 1] if begin else 0
        end = max(int(np.searchsorted(sums, before + _PAIRS_AT_ONCE, "right")), begin + 1)
        chunks.append((begin, end))
        begin = end
    return chunks
