"""Which outputs of a network belong together: heads [1, A, 1, 4], and heads a level apart that want concatenating."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.ssd.head_roles import BOX_WORDS, SCORE_WORDS
from edgeproof.ssd.source_options import SourceOptions

Shapes = Mapping[str, tuple[int, ...]]
"""Of a network's outputs, by name."""


@dataclass(frozen=True)
class HeadLayout:
    """One head: its parts, level after level, each reshaped to [1, rows, columns]."""

    parts: tuple[str, ...]
    rows: tuple[int, ...]
    columns: int


@dataclass(frozen=True)
class Layout:
    boxes: HeadLayout
    scores: HeadLayout

    def words(self) -> str:
        if len(self.boxes.parts) == 1:
            return ""
        return f"levels joined in the order {', '.join(self.boxes.parts)}"


BOXES, SCORES = "boxes", "scores"


def find_layout(shapes: Shapes, constant: Collection[str], options: SourceOptions, file: str) -> Layout | None:
    """None when the outputs are two heads already, or none that this knows. Levels go from the largest to the smallest.

    `constant` are the outputs that no picture changes, `options` name the heads where they cannot be told: several
    names, separated by commas, are levels in their order. Raises NotAnSsdError or UsageError saying what to name.
    """
    open_shapes = {name: shape for name, shape in shapes.items() if name not in constant}
    boxes, scores = (_named(said, open_shapes) for said in (options.boxes, options.scores))
    if boxes is None or scores is None:
        if len(boxes or ()) > 1 or len(scores or ()) > 1:
            raise UsageError(f"{file}: name both heads level by level: --boxes A,B,... --scores A,B,...")
        found = _told(open_shapes, file)
        if found is None:
            return None
        boxes, scores = found
    if len(boxes) != len(scores):
        raise UsageError(f"{file}: --boxes names {len(boxes)} levels and --scores {len(scores)}.")
    if len(boxes) == 1 and len(open_shapes[boxes[0]]) == 3 and len(open_shapes[scores[0]]) == 3:
        return None
    box_heads = [_rows(open_shapes[name], 4) for name in boxes]
    rows = [found[0] for found in box_heads if found is not None]
    if len(rows) != len(boxes):
        raise NotAnSsdError(f"{file}: {', '.join(boxes)} are no box predictions, four numbers an anchor.")
    columns = {_columns(open_shapes[name], count) for name, count in zip(scores, rows, strict=True)}
    width = columns.pop()
    if columns or width is None:
        raise NotAnSsdError(
            f"{file}: the class scores {', '.join(scores)} do not have one row an anchor of {', '.join(boxes)}."
        )
    return Layout(HeadLayout(boxes, tuple(rows), 4), HeadLayout(scores, tuple(rows), width))


def joined_options(options: SourceOptions) -> SourceOptions:
    """What was said, for the two heads that a layout makes."""
    return replace(options, boxes=BOXES, scores=SCORES)


def _named(said: str | None, shapes: Shapes) -> tuple[str, ...] | None:
    """The outputs that an option names; None when it names none, or a node of the graph."""
    if said is None:
        return None
    names = (said,) if said in shapes else tuple(name.strip() for name in said.split(","))
    return names if all(name in shapes for name in names) else None


def _told(shapes: Shapes, file: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The outputs that are boxes and those that are scores, in the order of their levels."""
    heads = {name: shape for name, shape in shapes.items() if len(shape) in (3, 4, 5) and shape[0] == 1}
    if len(heads) < 2 or len(heads) % 2:
        return None
    groups = _by_place(heads)
    if groups is None or (len(groups) == 1 and all(len(shape) == 3 for shape in heads.values())):
        return None
    boxes, scores = [], []
    for names in groups:
        pair = _pair(names, heads, _columns_of_all(groups, heads), file)
        if pair is None:
            return None
        boxes.append(pair[0])
        scores.append(pair[1])
    return tuple(boxes), tuple(scores)


def _by_place(heads: Shapes) -> list[list[str]] | None:
    """The pairs of outputs that belong to one level, from the largest to the smallest."""
    lists = {name: shape for name, shape in heads.items() if _is_list(shape)}
    if lists and len(lists) != len(heads):
        return None
    places: dict[tuple[int, ...], list[str]] = {}
    for name, shape in heads.items():
        places.setdefault((shape[1],) if name in lists else shape[1:-1][:2], []).append(name)
    groups = []
    for place in sorted(places, key=lambda sides: -_product(sides)):
        # Several of one size could be anything: the same boxes decoded, say.
        if len(places[place]) != 2:
            return None
        groups.append(places[place])
    return groups


def _pair(names: Sequence[str], heads: Shapes, columns: set[int], file: str) -> tuple[str, str] | None:
    """Boxes and scores of one level: by the names, else by the only way in which all levels have as many classes."""
    named = _split_by_words(names)
    if named is not None:
        return named[0][0], named[1][0]
    ways = []
    for boxes, scores in (names, names[::-1]):
        found = _rows(heads[boxes], 4)
        width = None if found is None else _columns(heads[scores], found[0])
        if width in columns:
            ways.append((boxes, scores))
    if len(ways) > 1:
        raise NotAnSsdError(
            f"{file}: which of {names[0]} and {names[1]} are the boxes cannot be told. Name the heads level by level: "
            "--boxes A,B,... --scores A,B,..."
        )
    return ways[0] if ways else None


def _columns_of_all(groups: Sequence[Sequence[str]], heads: Shapes) -> set[int]:
    """Numbers of score columns that every level could have."""
    possible: set[int] | None = None
    for first, second in groups:
        found = set()
        for boxes, scores in ((first, second), (second, first)):
            rows = _rows(heads[boxes], 4)
            width = None if rows is None else _columns(heads[scores], rows[0])
            if width is not None:
                found.add(width)
        possible = found if possible is None else possible & found
    return possible or set()


def _split_by_words(names: Sequence[str]) -> tuple[list[str], list[str]] | None:
    """Boxes and scores, when the names say it of half of them each."""
    boxes = [name for name in names if _says(name, BOX_WORDS) and not _says(name, SCORE_WORDS)]
    scores = [name for name in names if _says(name, SCORE_WORDS) and not _says(name, BOX_WORDS)]
    return (boxes, scores) if len(boxes) == len(scores) == len(names) / 2 else None


def _says(name: str, words: Sequence[str]) -> bool:
    return any(word in name.lower() for word in words)


def _is_list(shape: tuple[int, ...]) -> bool:
    """[1, A, K] or [1, A, 1, K]: a row an anchor, not a grid."""
    return len(shape) == 3 or (len(shape) == 4 and shape[2] == 1 and shape[1] > 1)


def _rows(shape: tuple[int, ...], columns: int) -> tuple[int, int] | None:
    """Rows and columns of an output whose rows have so many; None when it does not have them."""
    if _is_list(shape) or len(shape) == 5:
        return (_product(shape[1:-1]), columns) if shape[-1] == columns else None
    return (_product(shape) // columns, columns) if shape[-1] % columns == 0 else None


def _columns(shape: tuple[int, ...], rows: int) -> int | None:
    """Columns of an output with so many rows; None when they do not fit."""
    if _is_list(shape) or len(shape) == 5:
        return shape[-1] if _product(shape[1:-1]) == rows else None
    places = _product(shape[1:-1])
    return _product(shape) // rows if rows % places == 0 and shape[-1] % (rows // places) == 0 else None


def _product(sides: Sequence[int]) -> int:
    result = 1
    for side in sides:
        result *= side
    return result
