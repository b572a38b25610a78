"""Three answers: of an interval against a limit, and of many claims together."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.record.verdict.claims import Answer, Claim, combined
from edgeproof.verify.verdict import UNKNOWN, Comparison, Interval, judge

PASS, FAIL, OPEN = Answer.PASS, Answer.FAIL, Answer.INCONCLUSIVE


@pytest.mark.parametrize(
    ("low", "high", "comparison", "expected"),
    [
        (1, 9, Comparison.BELOW, PASS),
        (1, 10, Comparison.BELOW, OPEN),
        (1, 10, Comparison.AT_MOST, PASS),
        (1, 11, Comparison.AT_MOST, OPEN),
        (10, 11, Comparison.BELOW, FAIL),
        (10, 11, Comparison.AT_MOST, OPEN),
        (10.5, 11, Comparison.AT_MOST, FAIL),
        (11, 12, Comparison.ABOVE, PASS),
        (10, 12, Comparison.ABOVE, OPEN),
        (10, 12, Comparison.AT_LEAST, PASS),
        (9, 12, Comparison.AT_LEAST, OPEN),
        (1, 10, Comparison.ABOVE, FAIL),
        (1, 10, Comparison.AT_LEAST, OPEN),
        (1, 9, Comparison.AT_LEAST, FAIL),
    ],
)
def test_an_interval_passes_or_fails_only_as_a_whole(
    low: float, high: float, comparison: Comparison, expected: Answer
) -> None:
    assert judge(Interval(low, high), comparison, 10) is expected


@pytest.mark.parametrize("comparison", Comparison)
def test_what_was_not_measured_neither_passes_nor_fails(comparison: Comparison) -> None:
    assert judge(UNKNOWN, comparison, 10) is OPEN


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.sampled_from(Comparison))
def test_an_answer_agrees_with_every_value_of_the_interval(
    one: float, other: float, limit: float, comparison: Comparison
) -> None:
    interval = Interval(min(one, other), max(one, other))
    held = {comparison.holds(value, limit) for value in (interval.low, interval.high)}
    expected = {frozenset([True]): PASS, frozenset([False]): FAIL}.get(frozenset(held), OPEN)
    assert judge(interval, comparison, limit) is expected


def test_an_interval_has_its_ends_in_order() -> None:
    with pytest.raises(ValueError, match="no interval"):
        Interval(2, 1)
    with pytest.raises(ValueError, match="no interval"):
        Interval(math.nan, 1)


def test_an_interval_contains_its_ends() -> None:
    assert [Interval(1, 2).contains(value) for value in (0.9, 1, 1.5, 2, 2.1)] == [False, True, True, True, False]


def test_infinite_ends_are_no_bounds() -> None:
    assert (UNKNOWN.finite_low, UNKNOWN.finite_high) == (None, None)
    assert (Interval.exact(3).finite_low, Interval.exact(3).finite_high) == (3, 3)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([], OPEN),
        ([PASS, PASS], PASS),
        ([PASS, OPEN], OPEN),
        ([PASS, OPEN, FAIL], FAIL),
        ([FAIL], FAIL),
    ],
)
def test_many_claims_pass_when_all_do_and_fail_when_one_does(answers: list[Answer], expected: Answer) -> None:
    assert combined(answers) is expected


def test_a_claim_leaves_out_what_it_does_not_know() -> None:
    claim = Claim("size < 6 MB", PASS, 6.0, "MB", value=0.0)
    assert claim.to_json() == {"gate": "size < 6 MB", "answer": "pass", "limit": 6.0, "unit": "MB", "value": 0.0}
