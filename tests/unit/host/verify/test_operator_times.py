"""Shares of an inference are of sums, and come to no more than the whole."""

import numpy as np
import pytest

from edgeproof.record.measured.profile import OperatorTime, Profile, ProfileSamples, RanOperator
from edgeproof.verify.operator_times import deciding_operator, profile_of


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


def taking(plain_ms: float, **shares: float) -> Profile:
    """`CONV_2D__1` is another operator of the kind CONV_2D."""
    times = [
        OperatorTime(RanOperator(f"kernel {name}", True, name.partition("__")[0]), 10, 1.0, share)
        for name, share in shares.items()
    ]
    return Profile(tuple(times), 10, 2, plain_ms, plain_ms * 1.1)


def test_the_operator_that_decides_is_a_kind_and_goes_the_way_of_the_whole() -> None:
    a = taking(10.0, CONV_2D=0.3, CONV_2D__1=0.3, ADD=0.3, SOFTMAX=0.1)
    b = taking(6.0, CONV_2D=0.2, CONV_2D__1=0.2, ADD=0.1, SOFTMAX=0.5)
    found = deciding_operator(a, b)
    assert found is not None
    assert found.kind == "CONV_2D"
    assert [found.a_ms, found.b_ms] == pytest.approx([6.0, 2.4])
    back = deciding_operator(b, a)
    assert back is not None
    assert back.kind == "CONV_2D"
    assert back.difference_ms == pytest.approx(3.6)


def test_an_operator_that_one_alone_has_counts_for_nothing_in_the_other() -> None:
    found = deciding_operator(taking(1.0, ADD=1.0), taking(5.0, ADD=0.2, QUANTIZE=0.8))
    assert found is not None
    assert found.kind == "QUANTIZE"
    assert [found.a_ms, found.b_ms] == pytest.approx([0.0, 4.0])


def test_a_kernel_stands_for_an_operator_that_cannot_be_told() -> None:
    unnamed = Profile((OperatorTime(RanOperator("IGEMM", True), 10, 1.0, 1.0),), 10, 2, 5.0, 5.0)
    found = deciding_operator(taking(1.0, ADD=1.0), unnamed)
    assert found is not None
    assert found.kind == "IGEMM"


def test_where_no_operator_goes_the_way_of_the_whole_none_decides() -> None:
    assert deciding_operator(taking(1.0, ADD=0.5), taking(2.0, ADD=0.2)) is None
    assert deciding_operator(Profile(), Profile()) is None
