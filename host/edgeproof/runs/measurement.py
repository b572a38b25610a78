"""A bench as it grows: warm-up until blocks agree, the runs that were asked for, and those that are wanted beyond."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from edgeproof.board.agent.session import AgentSession
from edgeproof.errors import BoardError
from edgeproof.record.detections import BenchResult, SampleBlock, joined_benches, joined_samples
from edgeproof.record.run import Run
from edgeproof.runs.plan import BenchPlan
from edgeproof.verify.state import COOL_CELSIUS
from edgeproof.wording.progress import Progress, ProgressListener

_COOLING_SECONDS = 5.0
_BLOCK_RUNS = 10
_AGREEMENT = 0.02
"""Two blocks in a row whose medians differ by no more than this are warm."""
_MOST_BLOCKS = 30
_MOST_EXTENSIONS = 4
_WARMUP_SHARE = 0.25
"""Of the time, what warming up may take."""


def measure(
    session: AgentSession,
    plan: BenchPlan,
    run_of: Callable[[BenchResult], Run],
    progress: ProgressListener,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[BenchResult]:
    """All that was measured so far, whenever more of it is there that could be kept.

    `run_of` makes of it what `plan.further_runs` is told. When the board fails, what had arrived comes first, without
    a state after it; then the error is raised.
    """
    _cool_down(session, plan.cool_down_seconds, progress, sleep)
    deadline = time.monotonic() + plan.max_seconds
    warmup_runs = plan.warmup_runs
    if plan.settle:
        warmup_runs += _settle(session, plan, deadline, progress)
    whole: BenchResult | None = None
    wanted = plan.runs
    for _ in range(1 + _MOST_EXTENSIONS):
        blocks: list[SampleBlock] = []
        try:
            part = _bench(
                session,
                plan,
                wanted,
                0 if whole or plan.settle else plan.warmup_runs,
                deadline,
                whole,
                blocks,
                progress,
            )
        except BoardError:
            if blocks:
                cut = BenchResult(joined_samples(blocks), warmup_runs, before=None, after=None)
                yield _joined(whole, cut)
            raise
        whole = _joined(whole, replace(part, warmup_runs=warmup_runs))
        yield whole
        wanted = plan.further_runs(run_of(whole))
        if wanted <= 0 or time.monotonic() >= deadline:
            return


def _cool_down(
    session: AgentSession, seconds: float, progress: ProgressListener, sleep: Callable[[float], object]
) -> None:
    """Waits until the board is cool, or for as long as it may. One that does not tell its temperature is not waited
    for."""
    waited = 0.0
    while waited < seconds:
        temperature = session.state().temperature_celsius
        if temperature is None or temperature < COOL_CELSIUS:
            return
        left = seconds - waited
        progress(Progress(f"cooling down from {temperature:.0f} °C to {COOL_CELSIUS:.0f}, for {left:.0f} s at most"))
        sleep(min(_COOLING_SECONDS, left))
        waited += _COOLING_SECONDS


def _settle(session: AgentSession, plan: BenchPlan, deadline: float, progress: ProgressListener) -> int:
    """Runs blocks that are not kept, until two in a row agree or a quarter of the time is over; returns their runs."""
    end = min(deadline, time.monotonic() + _WARMUP_SHARE * plan.max_seconds)
    last: float | None = None
    for block in range(_MOST_BLOCKS):
        progress(Progress(f"warming up, {block * _BLOCK_RUNS} runs so far"))
        first = plan.warmup_runs if block == 0 else 0
        left = max(end - time.monotonic(), 0.0)
        median = float(np.median(session.bench(plan.picture, _BLOCK_RUNS, first, left).samples_ns["total"]))
        if last is not None and abs(median - last) <= _AGREEMENT * last:
            return (block + 1) * _BLOCK_RUNS
        if time.monotonic() >= end:
            return (block + 1) * _BLOCK_RUNS
        last = median
    return _MOST_BLOCKS * _BLOCK_RUNS


def _bench(
    session: AgentSession,
    plan: BenchPlan,
    runs: int,
    warmup_runs: int,
    deadline: float,
    earlier: BenchResult | None,
    blocks: list[SampleBlock],
    progress: ProgressListener,
) -> BenchResult:
    before = 0 if earlier is None else earlier.runs

    def on_block(block: SampleBlock) -> None:
        blocks.append(block)
        done = before + sum(len(arrived["invoke"]) for arrived in blocks)
        progress(Progress("measuring", done=done, total=before + runs))

    progress(Progress("measuring", done=before, total=before + runs))
    left = max(deadline - time.monotonic(), 0.0)
    idle_seconds = plan.idle_seconds if earlier is None else 0.0
    return session.bench(plan.picture, runs, warmup_runs, left, on_block, plan.settle, idle_seconds)


def _joined(earlier: BenchResult | None, later: BenchResult) -> BenchResult:
    return later if earlier is None else joined_benches([earlier, later])
