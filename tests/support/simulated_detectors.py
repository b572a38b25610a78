"""A made-up population of labelled pictures with two detectors on them, and samples of it: their true mAP is known."""

from dataclasses import dataclass

import numpy as np

from edgeproof.record.accuracy.samples import FoundObjects, LabelledObjects
from edgeproof.verify.accuracy.average_precision import RANGES, mean_of, metrics_of, ranked
from edgeproof.verify.accuracy.intervals import interval
from edgeproof.verify.accuracy.matching import Places, candidates_of, match
from edgeproof.verify.accuracy.resampling import draws, resampled
from tests.support.random_boxes import random_boxes

PICTURES = 2000


@dataclass(frozen=True)
class Population:
    truth: np.ndarray
    found: tuple[np.ndarray, np.ndarray]
    """Rows of a detector, and of the same a little worse, as quantization makes it."""
    maps: tuple[float, float]
    classes: int


@dataclass(frozen=True)
class Held:
    """Whether intervals of one sample hold; and whether the truth was below or above that of mAP."""

    map: bool
    drop: bool
    below: bool
    above: bool


def population(classes: int, *, telling_scores: bool, skill: float = 0.95, loss: float = 0.02) -> Population:
    """`telling_scores`: whether what is right has higher scores. `loss` is how much worse the second one is."""
    random = np.random.default_rng(classes)
    truth, found = random_boxes(random, PICTURES, classes, crowds=0.02, ties=False, skill=skill)
    rows = found.rows()
    if telling_scores:
        candidates = candidates_of(truth, found)
        quality = np.zeros(len(found))
        quality[candidates.places] = match(truth, found, candidates, RANGES[0]).found.mean(axis=0)
        rows[:, 6] = random.beta(2, 5, len(rows)) * (1 - quality) + random.beta(6, 1.5, len(rows)) * quality
    worse = rows[random.random(len(rows)) >= loss]
    worse[:, 2:6] += random.normal(0, 15 * loss, (len(worse), 4))
    worse[:, 4:6] = np.maximum(worse[:, 4:6], 0)
    worse[:, 6] = np.clip(worse[:, 6] + random.normal(0, loss, len(worse)), 0, 1)
    maps = [mean_of(metrics_of(truth, FoundObjects.from_rows(one), classes).precision[0]) or 0 for one in (rows, worse)]
    return Population(truth.rows(), (rows, worse), (maps[0], maps[1]), classes)


def held(of: Population, pictures: int, random: np.random.Generator, resamples: int = 300) -> Held:
    """Of a sample of so many pictures."""
    chosen = random.integers(0, PICTURES, pictures)
    truth = LabelledObjects.from_rows(_taken(of.truth, chosen))
    times = draws(pictures, resamples)
    once = np.ones((1, pictures), np.int32)
    values: list[float] = []
    drawn: list[np.ndarray] = []
    for rows in of.found:
        classes = ranked(truth, FoundObjects.from_rows(_taken(rows, chosen)), of.classes)
        values.append(float(resampled(classes, once).map()[0]))
        drawn.append(resampled(classes, times).map())
    alone = interval(values[0], drawn[0], pictures)
    drop = interval(values[0] - values[1], drawn[0] - drawn[1], pictures, low=-1.0)
    assert alone.low is not None
    assert alone.high is not None
    assert drop.low is not None
    assert drop.high is not None
    true, true_drop = of.maps[0], of.maps[0] - of.maps[1]
    return Held(
        alone.low <= true <= alone.high, drop.low <= true_drop <= drop.high, true < alone.low, true > alone.high
    )


def _taken(rows: np.ndarray, chosen: Places) -> np.ndarray:
    """The rows of the chosen pictures, each as a picture of its own."""
    edges = np.searchsorted(rows[:, 0], [chosen, chosen + 1])
    counts = edges[1] - edges[0]
    starts = np.repeat(edges[0] - (np.cumsum(counts) - counts), counts)
    taken = rows[starts + np.arange(len(starts))].copy()
    taken[:, 0] = np.repeat(np.arange(len(chosen)), counts)
    return taken
