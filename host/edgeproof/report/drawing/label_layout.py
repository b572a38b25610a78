"""Where the labels of a picture's boxes go: inside the picture, near their boxes, not on top of each other."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A rectangle in whole pixels, `right` and `bottom` exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    def overlap(self, other: "Place") -> int:
        """Common area in square pixels."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0) * max(height, 0)


def place_label(
    box: Place, size: tuple[int, int], picture: tuple[int, int], taken: Sequence[Place], line: int = 0
) -> Place:
    """The place for a label of `size` (width, height) at `box` in a `picture` (width, height).

    Tried in this order: above the box's left end, inside its top left, below its left end, inside its bottom left, the
    same on the right, then down the box's left edge. Each is pushed into the picture; the first that touches no label
    in `taken` wins, or else the one that covers the least of them. `line` is the width of the box's line in pixels.
    """
    width, height = size
    left, right = box.left - line // 2, box.right - width + line // 2
    above, below = box.top - height - line // 2, box.bottom + line // 2
    rows = [above, box.top, below, box.bottom - height]
    corners = [(left, row) for row in rows] + [(right, row) for row in rows]
    ladder = [(left, top) for top in range(box.top + height, box.bottom - height, height)]
    best, least = None, 0
    for x, y in corners + ladder:
        candidate = _pushed_inside(x, y, width, height, picture)
        covered = sum(candidate.overlap(other) for other in taken)
        if best is None or covered < least:
            best, least = candidate, covered
        if least == 0:
            break
    assert best is not None
    return best


def _pushed_inside(x: int, y: int, width: int, height: int, picture: tuple[int, int]) -> Place:
    left = max(0, min(x, picture[0] - width))
    top = max(0, min(y, picture[1] - height))
    return Place(left, top, left + width, top + height)
