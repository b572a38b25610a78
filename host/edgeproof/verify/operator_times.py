"""Sums up the raw times of a profile."""

import numpy as np

from edgeproof.record.measured.profile import OperatorTime, Profile, ProfileSamples


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
