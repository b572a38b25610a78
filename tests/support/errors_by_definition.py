"""TIDE's kinds of error worked out literally, one detection after the other, with crowds: a slow witness.

After `TIDERun` and `APDataObject` of https://github.com/dbolya/tide (MIT); tidecv 1.0.1 judges what lies on a crowd,
too, and its later versions, as here, do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from edgeproof.record.accuracy.samples import FoundObjects, LabelledObjects

Box = Sequence[float]
FOUND, BACKGROUND, MOST = 0.5, 0.1, 100


@dataclass
class Detection:
    cls: int
    box: Box
    score: float
    kind: str = ""
    target: int = -1
    """Place of the object that mending it would find; -1 for none."""


@dataclass
class Thing:
    cls: int
    box: Box
    finder: int = -1


def iou(one: Box, other: Box, crowd: bool = False) -> float:
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    own = one[2] * one[3]
    return across * down / (own if crowd else own + other[2] * other[3] - across * down)


def judge_picture(found: list[Detection], things: list[Thing], crowds: list[Thing]) -> None:
    """Sets kinds and targets."""
    for number, one in enumerate(found):
        best, place = 0.0, -1
        for index, thing in enumerate(things):
            if thing.cls == one.cls and thing.finder < 0 and iou(one.box, thing.box) > best:
                best, place = iou(one.box, thing.box), index
        if best >= FOUND:
            one.kind, things[place].finder = "right", number
    for one in found:
        on_crowd = any(crowd.cls == one.cls and iou(one.box, crowd.box, True) > FOUND for crowd in crowds)
        if not one.kind and on_crowd:
            one.kind = "ignored"
    for one in found:
        if not one.kind:
            name_error(one, things)
    claimed: dict[int, Detection] = {}
    for one in found:
        if one.target >= 0 and things[one.target].finder < 0:
            rival = claimed.get(one.target)
            if rival is None or rival.score < one.score:
                claimed[one.target] = one
    for one in found:
        if one.target >= 0 and claimed.get(one.target) is not one:
            one.target = -1


def name_error(one: Detection, things: list[Thing]) -> None:
    same = [iou(one.box, thing.box) if thing.cls == one.cls else 0.0 for thing in things]
    others = [iou(one.box, thing.box) if thing.cls != one.cls else 0.0 for thing in things]
    used = [value if thing.finder >= 0 else 0.0 for value, thing in zip(same, things, strict=True)]
    if not things:
        one.kind = "background"
    elif BACKGROUND <= max(same) <= FOUND:
        one.kind, one.target = "localization", same.index(max(same))
    elif max(others) >= FOUND:
        one.kind, one.target = "classification", others.index(max(others))
    elif max(used) >= FOUND:
        one.kind = "duplicate"
    elif max(*same, *others) <= BACKGROUND:
        one.kind = "background"
    else:
        one.kind = "both"


def mean_ap(points: list[tuple[int, float, bool]], things: dict[int, int]) -> float:
    """Of (class, score, right), with so many objects of each class."""
    values = []
    for cls in {*things, *(point[0] for point in points)}:
        of_class = sorted((point for point in points if point[0] == cls), key=lambda point: -point[1])
        count = things.get(cls, 0)
        if not of_class and not count:
            continue
        values.append(average_precision([point[2] for point in of_class], count))
    return sum(values) / len(values) if values else 0.0


def average_precision(right: list[bool], count: int) -> float:
    if not count:
        return 0.0
    precisions: list[float] = []
    recalls: list[float] = []
    for number in range(1, len(right) + 1):
        precisions.append(sum(right[:number]) / number)
        recalls.append(sum(right[:number]) / count)
    total = 0.0
    for level in range(101):
        reached = [place for place, recall in enumerate(recalls) if recall >= level / 100]
        total += max(precisions[reached[0] :]) if reached else 0.0
    return total / 101


def errors_by_definition(truth: LabelledObjects, found: FoundObjects, pictures: int) -> dict[str, float]:
    detections: list[tuple[Detection, list[Thing]]] = []
    all_things: list[tuple[Thing, bool]] = []
    for picture in range(pictures):
        rows = [row for row in truth.rows().tolist() if row[0] == picture]
        things = [Thing(int(row[1]), row[2:6]) for row in rows if not row[7]]
        crowds = [Thing(int(row[1]), row[2:6]) for row in rows if row[7]]
        here = [Detection(int(row[1]), row[2:6], row[6]) for row in found.rows().tolist() if row[0] == picture]
        here = sorted(here, key=lambda one: -one.score)[:MOST]
        judge_picture(here, things, crowds)
        detections += [(one, things) for one in here if one.kind != "ignored"]
        usable = {one.target for one in here if one.target >= 0}
        all_things += [(thing, index in usable) for index, thing in enumerate(things)]
    counts: dict[int, int] = {}
    for thing, _ in all_things:
        counts[thing.cls] = counts.get(thing.cls, 0) + 1
    plain = [(one.cls, one.score, one.kind == "right") for one, _ in detections]
    base = mean_ap(plain, counts)

    def less(gone: list[Thing]) -> dict[int, int]:
        left = dict(counts)
        for thing in gone:
            left[thing.cls] -= 1
        return left

    result: dict[str, float] = {}
    for kind in ("classification", "localization", "both", "duplicate", "background"):
        points = []
        for one, things in detections:
            if one.kind != kind:
                points.append((one.cls, one.score, one.kind == "right"))
            elif one.target >= 0:
                points.append((things[one.target].cls, one.score, True))
        result[kind] = max(mean_ap(points, counts) - base, 0.0)
    missed = [thing for thing, usable in all_things if thing.finder < 0 and not usable]
    result["missed"] = max(mean_ap(plain, less(missed)) - base, 0.0)
    perfect = [(cls, 1.0 if right else 0.0, right) for cls, _, right in plain]
    result["false_positive"] = mean_ap(perfect, counts) - base
    result["false_negative"] = mean_ap(plain, less([thing for thing, _ in all_things if thing.finder < 0])) - base
    return result
