"""Sums up the raw times of a profile, and holds two profiles against each other."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from edgeproof.record.measured.profile import OperatorTime, Profile, ProfileSamples


@dataclass(frozen=True)
class OperatorDifference:
    """What all operators of a kind take of an inference in A and in B."""

    kind: str
    """TFLite's name of the operator, e.g. `CONV_2D`; the profiler's of what ran where that cannot be told."""
    a_ms: float
    b_ms: float

    @property
    def difference_ms(self) -> float:
        return self.b_ms - self.a_ms


def deciding_operator(a: Profile, b: Profile) -> OperatorDifference | None:
    """The kind of operator that makes most of what B takes more, or less, than A; None when none goes that way."""
    of_a, of_b = _kinds_ms(a), _kinds_ms(b)
    found = [OperatorDifference(kind, of_a[kind], of_b[kind]) for kind in sorted(of_a.keys() | of_b.keys())]
    sign = 1.0 if b.plain_ms >= a.plain_ms else -1.0
    most = max(found, key=lambda one: sign * one.difference_ms, default=None)
    return most if most is not None and sign * most.difference_ms > 0 else None


def _kinds_ms(profile: Profile) -> defaultdict[str, float]:
    """Shares of an inference without the profiler: with it each operator takes a little longer."""
    kinds: defaultdict[str, float] = defaultdict(float)
    for operator in profile.operators:
        kinds[operator.ran.operator or operator.ran.kernel] += operator.share * profile.plain_ms
    return kinds


def profile_of(samples: ProfileSamples) -> Profile:
    """Medians do not add up, so a share is of sums: what an operator took in all runs, over what all runs took.

    Each time is a whole number of microseconds: of a tiny model's inference the parts may come to more than the whole.
    """
    runs = len(samples.invoke_us)
    sums, medians = samples.us.sum(axis=0), np.median(samples.us, axis=0)
    whole_us = max(int(samples.invoke_us.sum()), int(sums.sum()), 1)
    return Profile(
        operators=tuple(
            OperatorTime(ran, runs, float(median), float(total) / whole_us)
            for ran, median, total in zip(samples.operators, medians, sums, strict=True)
        ),
        runs=runs,
        threads=samples.threads,
        plain_ms=float(np.median(samples.plain_us)) / 1e3,
        profiled_ms=float(np.median(samples.profiled_us)) / 1e3,
    )
