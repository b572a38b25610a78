"""The pictures of a run where board and host part, worst first: with the picture where the record holds it."""

from collections.abc import Sequence
from dataclasses import dataclass

from edgeproof.record.pictures import Detection
from edgeproof.record.run import Run
from edgeproof.record.verdict.parity import PictureParity
from edgeproof.report.drawing.embedded_picture import jpeg_uri
from edgeproof.wording.printable import shown_line

_MOST_LISTED = 3000
"""Lines below the pictures, on the whole page."""
_MOST_BYTES = 1_500_000
"""Of all these pictures on the page, as text."""
_LABELS_SHOWN = 6


@dataclass(frozen=True)
class Mismatch:
    picture: PictureParity
    words: str
    """What differs."""
    host: str
    board: str
    image: str | None = None
    width: int = 1
    """Of the picture, pixels: boxes are in them."""
    height: int = 1


Mismatches = tuple[Run, list[Mismatch], list[Mismatch], int]
"""(run, those with a picture, those without, how many more there are)."""


def mismatches(runs: Sequence[Run]) -> list[Mismatches]:
    """Of the runs where something parts."""
    found: list[Mismatches] = []
    bytes_left, lines_left = _MOST_BYTES, _MOST_LISTED
    for run in runs:
        worst = [] if run.parity is None else run.parity.worst(len(run.parity.pictures))
        shown: list[Mismatch] = []
        listed: list[Mismatch] = []
        for picture in worst:
            with_picture = picture.sides is not None and picture.sides.jpeg is not None
            if not with_picture and lines_left == 0:
                continue
            item = _mismatch(picture, bytes_left)
            if item.image is not None:
                bytes_left -= len(item.image)
                shown.append(item)
            elif lines_left:
                lines_left -= 1
                listed.append(item)
        if worst:
            found.append((run, shown, listed, len(worst) - len(shown) - len(listed)))
    return found


def _mismatch(picture: PictureParity, left: int) -> Mismatch:
    sides = picture.sides
    at = "" if picture.parts_at is None else f", from {picture.parts_at.value} on"
    words = (f"{picture.differing} differ" if picture.note is None else shown_line(picture.note)) + at
    if sides is None:
        return Mismatch(picture, words, "-", "-")
    host, board = _named(sides.host), _named(sides.board)
    if sides.jpeg is None or sides.width < 1 or sides.height < 1 or len(sides.jpeg) * 4 / 3 > left:
        return Mismatch(picture, words, host, board)
    return Mismatch(picture, words, host, board, jpeg_uri(sides.jpeg), sides.width, sides.height)


def _named(found: Sequence[Detection]) -> str:
    listed = [f"{shown_line(item.label)} {item.score:.2f}" for item in found[:_LABELS_SHOWN]]
    more = [f"{len(found) - len(listed)} more"] * (len(found) > len(listed))
    return ", ".join(listed + more) or "none"
