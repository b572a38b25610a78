"""Many names in few words: `board-000 to 171, desk`."""

import re
from collections.abc import Iterator, Sequence

_NUMBERED = re.compile(r"(?P<head>.*?)(?P<number>\d+)(?P<tail>\D*)")
_FEWEST = 3  # two in a row are as short by themselves


def name_ranges(names: Sequence[str], most: int | None = None) -> str:
    """Names that count on by one are drawn together; no more than `most` entries are listed."""
    parts = list(_parts(names))
    if most is not None and len(parts) > most:
        kept = parts[:most]
        left = len(names) - sum(count for _, count in kept)
        return ", ".join([text for text, _ in kept]) + f" and {left} more"
    return ", ".join(text for text, _ in parts)


def _parts(names: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Each entry, and how many names it stands for."""
    run: list[str] = []
    for name in names:
        if run and not _follows(run[-1], name):
            yield from _told(run)
            run = []
        run.append(name)
    yield from _told(run)


def _follows(name: str, after: str) -> bool:
    first, second = _NUMBERED.fullmatch(name), _NUMBERED.fullmatch(after)
    return (
        first is not None
        and second is not None
        and (first["head"], first["tail"], len(first["number"]))
        == (second["head"], second["tail"], len(second["number"]))
        and int(second["number"]) == int(first["number"]) + 1
    )


def _told(run: list[str]) -> Iterator[tuple[str, int]]:
    if len(run) < _FEWEST:
        yield from ((name, 1) for name in run)
        return
    last = _NUMBERED.fullmatch(run[-1])
    assert last is not None
    yield f"{run[0]} to {last['number']}{last['tail']}", len(run)
