"""Which boards serve the same, and which depart from what they should."""

from collections.abc import Sequence
from dataclasses import dataclass

from edgeproof.bundle import Bundle
from edgeproof.fleet.outcome import Outcome


@dataclass(frozen=True)
class ServedGroup:
    app: str | None
    """None where boards have no app at all."""
    digest: str | None
    """None where the app points at nothing."""
    variant: str
    boards: tuple[str, ...]
    newest_seconds: float
    """For how long the last of them has served it; by each board's own clock."""
    oldest_seconds: float


def served_groups(outcomes: Sequence[Outcome]) -> list[ServedGroup]:
    """The outcomes of `status` drawn together by app and bundle, what most boards serve first."""
    found: dict[tuple[str | None, str | None], list[tuple[str, str, float]]] = {}
    for outcome in outcomes:
        if outcome.done is None:
            continue
        apps = outcome.done.result
        if not apps:
            found.setdefault((None, None), []).append((outcome.board, "", 0.0))
        for app, links in apps.items():
            served = links.current
            key = (app, None if served is None else served.digest)
            entry = ("", 0.0) if served is None else (served.variant, served.age_seconds)
            found.setdefault(key, []).append((outcome.board, *entry))
    groups = [
        ServedGroup(
            app,
            digest,
            boards[0][1],
            tuple(name for name, _, _ in boards),
            min(age for _, _, age in boards),
            max(age for _, _, age in boards),
        )
        for (app, digest), boards in found.items()
    ]
    return sorted(groups, key=lambda group: -len(group.boards))


def departing(outcomes: Sequence[Outcome], app: str | None, wanted: Bundle) -> list[str]:
    """Boards that answered and whose app (the one of the bundle's name where none is named) does not serve `wanted`."""
    name = app or wanted.app_name
    away = []
    for outcome in outcomes:
        if outcome.done is None:
            continue
        links = outcome.done.result.get(name)
        if links is None or links.current is None or links.current.digest != wanted.digest:
            away.append(outcome.board)
    return away
