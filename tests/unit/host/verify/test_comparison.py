"""ABBA: how often the interval of a ratio holds, under what disturbs measurements on boards."""

import math

import numpy as np
import pytest

from edgeproof.verify.comparison import Ratio, Side, abba_order, ratio_of_blocks
from tests.support.simulated_runs import simulated_ns

REPEATS = 300
BLOCK = 10
RATIO = 1.05


def compared(random: np.random.Generator, order: list[Side], **kind: float) -> Ratio:
    """B takes 5 % longer; both are measured in one session in this order of blocks."""
    samples = simulated_ns(random, BLOCK * len(order), **kind)
    blocks: dict[Side, list[np.ndarray]] = {Side.A: [], Side.B: []}
    for number, side in enumerate(order):
        block = samples[number * BLOCK : (number + 1) * BLOCK]
        blocks[side].append(np.round(block * (RATIO if side is Side.B else 1)).astype(np.int64))
    return ratio_of_blocks(blocks[Side.A], blocks[Side.B])


def coverage(order: list[Side], **kind: float) -> float:
    random = np.random.default_rng(9)
    return float(np.mean([compared(random, order, **kind).bounds.contains(RATIO) for _ in range(REPEATS)]))


@pytest.mark.parametrize("pairs", [10, 20])
@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"drift": 0.15},
        {"drift": 0.4},
        {"slow_mode": 0.4},
        {"spikes": 0.05},
        {"memory": 0.6},
        {"memory": 0.8, "spikes": 0.03},
        {"memory": 0.6, "drift": 0.15, "spikes": 0.02},
    ],
)
def test_the_interval_covers_the_ratio_at_its_rate(pairs: int, kind: dict[str, float]) -> None:
    """95 %; a rate of 95 % falls below 92 % in 1 of 100 repetitions."""
    assert coverage(list(abba_order(pairs)), **kind) > 0.92


def test_all_of_one_ahead_of_all_of_the_other_covers_nothing_under_drift() -> None:
    assert coverage([Side.A] * 10 + [Side.B] * 10, drift=0.4) < 0.05


def test_alternation_without_turning_it_round_is_off_under_steady_drift() -> None:
    """Steadily slower by 3 % from block to block, and nothing else: AB AB gives that to B, AB BA to neither."""
    blocks = [np.full(5, round(1e9 * 1.03**number), np.int64) for number in range(20)]
    turned = ratio_of_blocks(
        [blocks[place] for place, side in enumerate(abba_order(10)) if side is Side.A],
        [blocks[place] for place, side in enumerate(abba_order(10)) if side is Side.B],
    )
    assert turned.ratio == pytest.approx(1.0, abs=1e-6)
    assert ratio_of_blocks(blocks[::2], blocks[1::2]).ratio == pytest.approx(1.03)


def test_the_order_is_abba() -> None:
    assert "".join(side.value for side in abba_order(4)) == "ABBAABBA"


def ratio_of(logs: np.ndarray) -> Ratio:
    a = [np.full(3, 10**9, np.int64)] * len(logs)
    return ratio_of_blocks(a, [np.full(3, round(math.exp(value) * 10**9), np.int64) for value in logs])


def test_the_interval_is_t_times_the_standard_error_over_the_pairs() -> None:
    logs = np.tile([-0.1, 0.1], 5)  # each AB is undone by its BA
    found = ratio_of(logs)
    half = 2.262157 * logs.std(ddof=1) / math.sqrt(10)
    assert (found.pairs, found.told_apart) == (10, False)
    assert [found.ratio, found.bounds.low, found.bounds.high] == pytest.approx([1.0, math.exp(-half), math.exp(half)])


def test_pairs_that_are_alike_widen_the_interval_to_that_over_fours() -> None:
    fours = np.array([-0.1, 0.1, 0.0, -0.1, 0.1])
    found = ratio_of(np.repeat(fours, 2))
    half = 2.776445 * fours.std(ddof=1) / math.sqrt(5)
    assert found.bounds.high == pytest.approx(math.exp(half))


def test_a_spike_in_a_block_moves_nothing() -> None:
    steady = [np.array([10, 10, 11, 10, 10], np.int64)] * 10
    spiked = [np.array([10, 10, 90, 10, 10], np.int64)] * 10
    assert ratio_of_blocks(steady, spiked).ratio == 1.0


def test_fewer_than_ten_pairs_and_no_time_at_all_are_refused() -> None:
    block = np.full(3, 10**6, np.int64)
    with pytest.raises(ValueError, match="needs 10 blocks of each at least, there are 9 and 9"):
        ratio_of_blocks([block] * 9, [block] * 9)
    with pytest.raises(ValueError, match="there are 10 and 11"):
        ratio_of_blocks([block] * 10, [block] * 11)
    with pytest.raises(ValueError, match="too short"):
        ratio_of_blocks([block] * 10, [block * 0] * 10)
