"""Joules an inference from readings of what a board draws."""

import itertools
import math
from collections.abc import Sequence
from statistics import fmean, variance

from edgeproof.record.measured.energy import Energy, Joules, PowerReadings, SourceClass
from edgeproof.verify.student import t_quantile

FEWEST_READINGS = 5
_CONFIDENCE = 0.975  # one-sided: 95 % two-sided
_PMIC_SLOPE, _PMIC_OFFSET_WATTS = 1.1451, 0.5879
"""Watts at the plug over watts of the PMIC's rails on a Raspberry Pi 5: a fit by jfikar
(https://github.com/jfikar/RPi5-power), without a published error."""
NO_SOURCE = "the board has no source that measures what it draws (hwmon's INA sensors, a Raspberry Pi 5's PMIC)"


def energy_of(power: PowerReadings | None, runs: int) -> tuple[tuple[Energy, ...], str | None]:
    """The energy of one of the `runs` inferences that were made meanwhile, by each class that the source has, the
    better first; or why there is none."""
    if power is None:
        return (), NO_SOURCE
    if len(power.watts) < FEWEST_READINGS:
        needed = math.ceil(1.2 * runs * FEWEST_READINGS / max(len(power.watts), 1))
        return (), (
            f"{power.source} gave {len(power.watts)} readings meanwhile, and {FEWEST_READINGS} are needed: "
            f"--runs {needed} or more"
        )
    raw = SourceClass.METER if power.kind == "meter" else SourceClass.PMIC_RAW
    seconds = power.seconds / runs
    found = [_energy(power, raw, seconds, 1.0, 0.0)]
    if raw is SourceClass.PMIC_RAW:
        corrected = SourceClass.PMIC_CORRECTED
        found.insert(0, _energy(power, corrected, seconds, _PMIC_SLOPE, _PMIC_OFFSET_WATTS))
    return tuple(found), None


def _energy(power: PowerReadings, source_class: SourceClass, seconds: float, slope: float, offset: float) -> Energy:
    """For an inference of so many seconds, with a reading of x standing for slope * x + offset."""
    watts = [slope * reading + offset for reading in power.watts]
    idle = [slope * reading + offset for reading in power.idle_watts]
    mean, error, freedom = _mean(watts)
    gross = _joules(mean, error, freedom, seconds)
    if len(idle) < FEWEST_READINGS:
        return Energy(power.source, source_class, mean, len(watts), gross)
    idle_mean, idle_error, idle_freedom = _mean(idle)
    # The fewer degrees of freedom of both: wider than Welch's.
    net = _joules(mean - idle_mean, math.hypot(error, idle_error), min(freedom, idle_freedom), seconds)
    return Energy(power.source, source_class, mean, len(watts), gross, idle_mean, net)


def _joules(watts: float, error: float, freedom: int, seconds: float) -> Joules:
    half = t_quantile(_CONFIDENCE, freedom) * error
    return Joules(watts * seconds, (watts - half) * seconds, (watts + half) * seconds)


def _mean(values: Sequence[float]) -> tuple[float, float, int]:
    """The mean, its standard error, and the degrees of freedom of that.

    Readings that follow each other are alike, as a sensor averages and heat drifts: with an autocorrelation r from one
    to the next, n are worth n * (1 - r) / (1 + r) independent ones (an AR(1) process).
    """
    mean = fmean(values)
    spread = variance(values, mean)
    if spread == 0:
        return mean, 0.0, len(values) - 1
    along = sum((a - mean) * (b - mean) for a, b in itertools.pairwise(values))
    repeated = min(max(along / (spread * (len(values) - 1)), 0.0), 0.95)
    worth = max(len(values) * (1 - repeated) / (1 + repeated), 2.0)
    return mean, math.sqrt(spread / worth), max(int(worth) - 1, 1)
