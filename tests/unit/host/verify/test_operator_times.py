"""Shares of an inference are of sums, and come to no more than the whole."""

import numpy as np
import pytest

from edgeproof.record.measured.profile import ProfileSamples, RanOperator
from edgeproof.verify.operator_times import profile_of


def samples(us: list[list[int]], invoke_us: list[int]) -> ProfileSamples:
    operators = tuple(RanOperator(f"kernel {place}", place > 0) for place in range(len(us[0])))
    whole = np.array(invoke_us, np.int64)
    return ProfileSamples(operators, np.array(us, np.int64), whole, whole - 1, whole + 9, threads=2)


def test_a_share_is_of_all_the_time_and_a_median_of_the_runs() -> None:
    profile = profile_of(samples([[10, 80], [10, 80], [100, 620]], [100, 100, 800]))
    first, second = profile.operators
    assert [first.calls, first.median_us, first.share] == pytest.approx([3, 10.0, 0.12])
    assert [second.median_us, second.share] == pytest.approx([80.0, 0.78])
    assert profile.accounted == pytest.approx(0.9)
    assert profile.outside == (first,)
    assert (profile.runs, profile.threads, profile.plain_ms, profile.profiled_ms) == (3, 2, 0.099, 0.109)


def test_rounded_parts_of_a_tiny_model_come_to_the_whole_at_most() -> None:
    assert profile_of(samples([[2, 2]], [3])).accounted == 1.0
    assert profile_of(samples([[0, 0]], [0])).accounted == 0.0
