"""How often bounds, gates and comparisons are right on made-up runs whose truth is known: the table of the docs."""

import math
from collections.abc import Mapping

import numpy as np
from rich.console import Console

from edgeproof.record.verdict.claims import Answer
from edgeproof.verify.comparison import Side, abba_order, ratio_of_blocks
from edgeproof.verify.drift import block_drift
from edgeproof.verify.percentiles import percentile_of
from edgeproof.verify.verdict import Comparison, judge
from tests.support.simulated_detectors import held, population
from tests.support.simulated_runs import simulated_ns

EXPERIMENTS = 2000
ACCURACY_EXPERIMENTS = 200
RUNS, BLOCK, RATIO = 1000, 10, 1.05
KINDS: Mapping[str, Mapping[str, float]] = {
    "steady": {},
    "two modes": {"slow_mode": 0.4},
    "spikes": {"spikes": 0.03},
    "neighbours alike (0.6)": {"memory": 0.6},
    "neighbours alike (0.8), spikes": {"memory": 0.8, "spikes": 0.03},
}
DRIFTS: Mapping[str, Mapping[str, float]] = {
    **KINDS,
    "slows by 15 %": {"drift": 0.15},
    "slows by 40 %, neighbours alike (0.6)": {"drift": 0.4, "memory": 0.6},
}


def percentile_row(kind: Mapping[str, float], percent: int) -> str:
    """Shares in %: upper bound holds, lower bound holds; wrong pass and wrong fail of a gate a hair off the truth."""
    random = np.random.default_rng(percent)
    scattered = {
        name: value for name, value in kind.items() if name != "memory"
    }  # what neighbours are changes no share
    truth = float(np.quantile(simulated_ns(random, 1_000_000, **scattered), percent / 100)) / 1e6
    high = low = passed = failed = 0
    for _ in range(EXPERIMENTS):
        bounds = percentile_of(simulated_ns(random, RUNS, **kind), percent).bounds_ms
        high += bounds.high >= truth
        low += bounds.low <= truth
        passed += judge(bounds, Comparison.BELOW, truth * 0.9995) is Answer.PASS
        failed += judge(bounds, Comparison.BELOW, truth * 1.0005) is Answer.FAIL
    return " | ".join(f"{100 * share / EXPERIMENTS:.2f}" for share in (high, low, passed, failed))


def comparison_row(kind: Mapping[str, float], pairs: int) -> str:
    """Shares in %: the interval covers the ratio; two that are alike are told apart."""
    random = np.random.default_rng(pairs)
    covered = apart = 0
    for _ in range(EXPERIMENTS):
        samples = simulated_ns(random, 2 * pairs * BLOCK, **kind)
        blocks: dict[Side, list[np.ndarray]] = {side: [] for side in Side}
        for place, side in enumerate(abba_order(pairs)):
            blocks[side].append(samples[place * BLOCK : (place + 1) * BLOCK])
        slower = [np.round(block * RATIO).astype(np.int64) for block in blocks[Side.B]]
        covered += ratio_of_blocks(blocks[Side.A], slower).bounds.contains(RATIO)
        apart += ratio_of_blocks(blocks[Side.A], blocks[Side.B]).told_apart
    return " | ".join(f"{100 * share / EXPERIMENTS:.1f}" for share in (covered, apart))


def drift_share(kind: Mapping[str, float]) -> str:
    """Share of runs, in %, of which burst and sustained are told apart."""
    random = np.random.default_rng(3)
    return f"{100 * np.mean([block_drift(simulated_ns(random, RUNS, **kind)).apart for _ in range(500)]):.1f}"


def accuracy_row(classes: int, telling_scores: bool, pictures: int) -> str:
    """Shares in %: the interval of mAP holds, the truth is below it, above it; the interval of a drop holds."""
    random = np.random.default_rng(pictures)
    of = population(classes, telling_scores=telling_scores)
    found = [held(of, pictures, random) for _ in range(ACCURACY_EXPERIMENTS)]
    names = ("map", "below", "above", "drop")
    return " | ".join(f"{100 * sum(getattr(one, name) for one in found) / len(found):.1f}" for name in names)


def main() -> None:
    """Prints the tables as Markdown."""
    console = Console(width=200)
    error = 100 * math.sqrt(0.01 * 0.99 / EXPERIMENTS)
    console.print(f"{EXPERIMENTS} experiments of {RUNS} runs a row; standard error {error:.2f} % at 99 %.\n")
    console.print("| runs | percentile | upper bound holds | lower bound holds | wrong pass | wrong fail |")
    console.print("|---|---|---:|---:|---:|---:|")
    for name, kind in KINDS.items():
        for percent in (50, 95, 99):
            console.print(f"| {name} | p{percent} | {percentile_row(kind, percent)} |", highlight=False)
    console.print("\n| runs | pairs | interval covers the ratio | alike, and told apart |\n|---|---:|---:|---:|")
    for name, kind in DRIFTS.items():
        for pairs in (10, 20):
            console.print(f"| {name} | {pairs} | {comparison_row(kind, pairs)} |", highlight=False)
    console.print("\n| runs | burst and sustained told apart |\n|---|---:|")
    for name, kind in DRIFTS.items():
        console.print(f"| {name} | {drift_share(kind)} |", highlight=False)
    console.print("\n| classes | scores | pictures | mAP holds | truth below | truth above | drop holds |")
    console.print("|---:|---|---:|---:|---:|---:|---:|")
    for classes in (1, 4):
        for telling in (True, False):
            for pictures in (100, 200):
                row = accuracy_row(classes, telling, pictures)
                scores = "tell right from wrong" if telling else "tell nothing"
                console.print(f"| {classes} | {scores} | {pictures} | {row} |", highlight=False)
