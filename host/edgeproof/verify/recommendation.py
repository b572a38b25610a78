"""Of several cells the cheapest that passes the gates."""

from collections.abc import Sequence
from dataclasses import dataclass

from edgeproof.errors import UsageError
from edgeproof.record.verdict.claims import Answer, Claim, combined
from edgeproof.verify.front import Contest, Figure
from edgeproof.verify.gate_text import Gate
from edgeproof.verify.gates import evaluate


@dataclass(frozen=True)
class Judged:
    """A cell with its gates."""

    place: int
    claims: tuple[Claim, ...]

    @property
    def answer(self) -> Answer:
        """Without gates everything passes."""
        return combined(claim.answer for claim in self.claims) if self.claims else Answer.PASS


@dataclass(frozen=True)
class Recommendation:
    contest: Contest
    front: tuple[int, ...]
    """Places of the cells that none beats."""
    beaten: tuple[tuple[int, int], ...]
    """Each other cell, and one that beats it."""
    alike: tuple[tuple[int, int, list[Figure]], ...]
    """Cells of the front that are not told apart, and in what."""
    judged: tuple[Judged, ...]
    by: Figure
    """What the cheapest has least of."""
    cheapest: int | None
    """None where no cell passes."""
    as_cheap: tuple[int, ...]
    """Cells that pass and are not told apart from the least: the smallest of them and of it is the cheapest."""


def recommend(contest: Contest, gates: Sequence[Gate], by: Figure | None = None) -> Recommendation:
    """`by` is what a cell costs; without it latency, or size where latency was not measured in all of them.

    Raises `UsageError` for a cost that was not measured in all cells.
    """
    known = contest.figures
    if by is not None and by not in known:
        raise UsageError(f"{by.value} was not measured in all of these runs, or not so that it counts.")
    cost = by or (Figure.LATENCY if Figure.LATENCY in known else Figure.SIZE)
    front = contest.front()
    judged = tuple(Judged(place, evaluate(gates, cell.run)) for place, cell in enumerate(contest.candidates))
    cheapest, as_cheap = _cheapest(contest, [one.place for one in judged if one.answer is Answer.PASS], cost)
    beaten = [(place, contest.beaten_by(place)) for place in range(len(contest.candidates))]
    return Recommendation(
        contest,
        tuple(front),
        tuple((place, other) for place, other in beaten if other is not None),
        tuple(contest.alike(front)),
        judged,
        cost,
        cheapest,
        tuple(as_cheap),
    )


def _cheapest(contest: Contest, passing: Sequence[int], cost: Figure) -> tuple[int | None, list[int]]:
    if not passing:
        return None, []
    least = min(passing, key=lambda place: contest.candidates[place].figure(cost) or 0.0)
    alike = [place for place in passing if place != least and not contest.relation(least, place, cost).told_apart]

    def smallest(place: int) -> tuple[float, float]:
        candidate = contest.candidates[place]
        return candidate.size, -(candidate.accuracy or 0.0)

    chosen = min([least, *alike], key=smallest)
    return chosen, [place for place in sorted([least, *alike]) if place != chosen]
