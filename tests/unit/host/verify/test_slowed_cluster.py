"""A big.LITTLE board whose big cluster is throttled for a while: from its /sys to a verdict that is not told."""

from dataclasses import replace
from pathlib import Path

import pytest

from edgeproof.record.measured.board_sample import BoardSample, read_timeline
from edgeproof.record.verdict.claims import Answer
from edgeproof.verify.gate_text import parse_gate
from edgeproof.verify.gates import evaluate, void_of
from edgeproof.verify.latency import latency_of
from edgeproof.verify.state import void_reasons
from edgeproof_agent.machine.board_sample import BoardSampler
from edgeproof_agent.wire.fields import Fields
from tests.support import sample_report as sample
from tests.support.fake_root import big_little, tree


def sampled(root: Path, *clocks_mhz: tuple[int, int]) -> tuple[BoardSample, ...]:
    """A sample a second of a board whose big cluster has these clocks and limits one after the other."""
    tree(root, big_little())
    sampler = BoardSampler(root)
    told = []
    for second, (clock, limit) in enumerate(clocks_mhz):
        little = 408 if second % 2 else 1800  # it idles, so that its clock comes and goes
        tree(root, big_little(clock, little, limit, ticks=100 * (second + 1)))
        told.append({"at_seconds": float(second), **sampler.sample()})
    return read_timeline(Fields({"timeline": told}))


@pytest.mark.parametrize(
    ("slow", "words"),
    [
        ((1608, 2400), "the CPUs from 4 on ran at 1608 instead of 2400 MHz in 3 of 11 samples"),
        ((2400, 1800), "the CPUs from 4 on were limited to 1800 instead of 2400 MHz in 3 of 12 samples"),
    ],
)
def test_a_throttled_big_cluster_voids_the_run(tmp_path: Path, slow: tuple[int, int], words: str) -> None:
    fast = (2400, 2400)
    steady = latency_of(replace(sample.bench(), timeline=sampled(tmp_path / "steady", *[fast] * 12)))
    assert void_of(replace(sample.run(), latency=steady)) is None
    latency = latency_of(
        replace(sample.bench(), timeline=sampled(tmp_path / "slowed", *[fast] * 5, *[slow] * 3, *[fast] * 4))
    )
    assert void_of(replace(sample.run(), latency=latency)) == f"the measurement is void: {words}"


def test_nothing_passes_on_such_a_run(tmp_path: Path) -> None:
    latency = latency_of(replace(sample.bench(), timeline=sampled(tmp_path, *[(2400, 2400)] * 5, *[(1608, 2400)] * 3)))
    (claim,) = evaluate([parse_gate("total", "p95 < 500 ms")], replace(sample.run(), latency=latency))
    assert claim.answer is Answer.INCONCLUSIVE


def test_an_idle_cluster_whose_clock_differs_at_both_ends_voids_nothing(tmp_path: Path) -> None:
    timeline = sampled(tmp_path, *[(2400, 2400)] * 4)
    before = replace(sample.state(), clocks_mhz=(408.0, 2400.0, 2400.0))
    after = replace(sample.state(own_cpu_seconds=20.0), clocks_mhz=(1800.0, 2400.0, 2400.0))
    assert void_reasons(before, after, 2, timeline) == []
    slower = replace(after, clocks_mhz=(1800.0, 1608.0, 2400.0))
    assert void_reasons(before, slower, 2, timeline) == ["the clock changed from 2400 to 1608 MHz under load"]
    assert len(void_reasons(before, after, 2)) == 1, "where nothing tells that it idled"
