"""Cells held against each other: which of them nothing beats, and which are not told apart by what was measured."""

import enum
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edgeproof.record.accuracy.samples import AccuracySamples
from edgeproof.record.measured.energy import Energy
from edgeproof.record.run import Run
from edgeproof.verify.accuracy.average_precision import ranked
from edgeproof.verify.accuracy.intervals import interval
from edgeproof.verify.accuracy.resampling import Resampled, draws, resampled
from edgeproof.verify.drift import TOLERANCE
from edgeproof.verify.gates import void_of
from edgeproof.verify.percentiles import percentile_of
from edgeproof.verify.verdict import UNKNOWN, Interval


class Figure(enum.Enum):
    """What a cell is judged by."""

    LATENCY = "latency"
    """Median of the whole, in ms."""
    ACCURACY = "accuracy"
    """mAP."""
    SIZE = "size"
    """Of the bundle's files, in MB."""
    ENERGY = "energy"
    """All that the board draws for an inference, in J."""


@dataclass(frozen=True)
class Relation:
    """One cell against another in one figure."""

    gain: float
    """By how much it is better, in the figure's unit; below 0 it is worse."""
    bounds: Interval
    """Of the gain."""
    paired: bool = False
    """Whether both were measured side by side, or on the same pictures."""

    @property
    def told_apart(self) -> bool:
        return self.bounds.low > 0 or self.bounds.high < 0


@dataclass(frozen=True, eq=False)
class Candidate:
    """One bundle on one board under one runtime, with all that was measured of it."""

    run: Run

    @property
    def median(self) -> float | None:
        """Of the whole in ms, whether it counts or not."""
        total = None if self.run.latency is None else self.run.latency.stages.get("total")
        return None if total is None else total.p50_ms

    @property
    def latency(self) -> float | None:
        """The same; None where nothing counts that was timed."""
        return None if void_of(self.run) is not None else self.median

    @property
    def accuracy(self) -> float | None:
        accuracy = self.run.accuracy
        return None if accuracy is None or accuracy.failed else accuracy.map.value

    @property
    def size(self) -> float:
        return self.run.bundle.size_bytes / 1e6

    @property
    def measured_energy(self) -> Energy | None:
        """By the best class of source that the board has; None where nothing counts that was timed."""
        latency = self.run.latency
        return latency.energy[0] if latency is not None and latency.energy and void_of(self.run) is None else None

    @property
    def energy(self) -> float | None:
        return None if self.measured_energy is None else self.measured_energy.gross.value

    def figure(self, figure: Figure) -> float | None:
        return {
            Figure.LATENCY: self.latency,
            Figure.ACCURACY: self.accuracy,
            Figure.SIZE: self.size,
            Figure.ENERGY: self.energy,
        }[figure]


Ratios = Mapping[tuple[int, int], Interval]
"""Of two cells that were measured side by side, by their places: the latency of the second over that of the first."""


@dataclass(eq=False)
class Contest:
    """Cells that are judged together."""

    candidates: Sequence[Candidate]
    ratios: Ratios = field(default_factory=dict)
    _drawn: dict[int, Resampled] = field(default_factory=dict)

    @property
    def figures(self) -> list[Figure]:
        """Those that all cells have."""
        return [figure for figure in Figure if all(cell.figure(figure) is not None for cell in self.candidates)]

    def relation(self, one: int, other: int, figure: Figure) -> Relation:
        """Of the cells at two places. The figure is one that both have."""
        if figure is Figure.SIZE:
            gain = self.candidates[other].size - self.candidates[one].size
            return Relation(gain, Interval.exact(gain))
        relate = {Figure.LATENCY: self._latency, Figure.ACCURACY: self._accuracy, Figure.ENERGY: self._energy}
        return relate[figure](one, other)

    def beaten_by(self, one: int) -> int | None:
        """A cell that is nowhere worse and is told to be better in something; None for what is on the front."""
        for other in range(len(self.candidates)):
            if other == one:
                continue
            relations = [self.relation(other, one, figure) for figure in self.figures]
            if all(item.gain >= 0 for item in relations) and any(item.bounds.low > 0 for item in relations):
                return other
        return None

    def front(self) -> list[int]:
        """Places of the cells that none beats."""
        return [place for place in range(len(self.candidates)) if self.beaten_by(place) is None]

    def alike(self, places: Sequence[int]) -> list[tuple[int, int, list[Figure]]]:
        """Pairs of cells, with the figures in which they differ by no more than can be told."""
        found = []
        for one, other in itertools.combinations(places, 2):
            figures = [figure for figure in self.figures if not self._apart_or_same(one, other, figure)]
            if figures:
                found.append((one, other, figures))
        return found

    def _apart_or_same(self, one: int, other: int, figure: Figure) -> bool:
        relation = self.relation(one, other, figure)
        return relation.told_apart or relation.bounds == Interval.exact(0.0)

    def _latency(self, one: int, other: int) -> Relation:
        mine, theirs = self.candidates[one].latency, self.candidates[other].latency
        assert mine is not None
        assert theirs is not None
        ratio = self.ratios.get((one, other))
        if ratio is not None:
            return Relation(theirs - mine, Interval(mine * (ratio.low - 1), mine * (ratio.high - 1)), paired=True)
        ratio = self.ratios.get((other, one))
        if ratio is not None:
            return Relation(theirs - mine, Interval(theirs * (1 - ratio.high), theirs * (1 - ratio.low)), paired=True)
        bounds = [_median_bounds(self.candidates[place].run) for place in (one, other)]
        # Two runs of one bundle differ by this much from day to day with nothing changed.
        low = bounds[1].low * (1 - TOLERANCE) - bounds[0].high
        return Relation(theirs - mine, Interval(low, max(bounds[1].high * (1 + TOLERANCE) - bounds[0].low, low)))

    def _energy(self, one: int, other: int) -> Relation:
        mine, theirs = (self.candidates[place].measured_energy for place in (one, other))
        assert mine is not None
        assert theirs is not None
        gain = theirs.gross.value - mine.gross.value
        if mine.source_class is not theirs.source_class:
            return Relation(gain, UNKNOWN)  # their errors are not known
        low = theirs.gross.low * (1 - TOLERANCE) - mine.gross.high
        return Relation(gain, Interval(low, theirs.gross.high * (1 + TOLERANCE) - mine.gross.low))

    def _accuracy(self, one: int, other: int) -> Relation:
        mine, theirs = self.candidates[one].run.accuracy, self.candidates[other].run.accuracy
        assert mine is not None
        assert theirs is not None
        gain = mine.map.value - theirs.map.value
        samples = [mine.samples, theirs.samples]
        same = mine.data_set.sha256 == theirs.data_set.sha256
        if same and samples[0] is not None and samples[1] is not None and _same_truth(samples[0], samples[1]):
            differing = samples[0].board.differing_pictures(samples[1].board)
            if not differing:  # whatever other pictures show, they show it of both
                return Relation(gain, Interval.exact(gain), paired=True)
            drawn = self._resampled(one, samples[0]).map() - self._resampled(other, samples[1]).map()
            estimate = interval(gain, drawn, len(samples[0].image_ids), low=-1.0, differing=differing)
            if estimate.low is None or estimate.high is None:
                return Relation(gain, UNKNOWN, paired=True)
            return Relation(gain, Interval(estimate.low, estimate.high), paired=True)
        ends = (mine.map.low, mine.map.high, theirs.map.low, theirs.map.high)
        if not same or ends[0] is None or ends[1] is None or ends[2] is None or ends[3] is None:
            return Relation(gain, UNKNOWN)
        return Relation(gain, Interval(ends[0] - ends[3], ends[1] - ends[2]))

    def _resampled(self, place: int, samples: AccuracySamples) -> Resampled:
        if place not in self._drawn:
            classes = ranked(samples.truth, samples.board, len(samples.category_ids))
            self._drawn[place] = resampled(classes, draws(len(samples.image_ids)))
        return self._drawn[place]


def _median_bounds(run: Run) -> Interval:
    samples = None if run.latency is None else run.latency.samples_ns.get("total")
    return UNKNOWN if samples is None or not len(samples) else percentile_of(samples, 50).bounds_ms


def _same_truth(one: AccuracySamples, other: AccuracySamples) -> bool:
    same = (one.image_ids, one.category_ids) == (other.image_ids, other.category_ids)
    return same and one.truth.rows().tobytes() == other.truth.rows().tobytes()
