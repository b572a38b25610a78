"""The bench: the whole pipeline on one picture again and again."""

import contextlib
import time
from typing import Any, Callable

import numpy as np

from edgeproof_agent.detection.arrays import pack_arrays
from edgeproof_agent.wire.answering import Exchange

_BLOCK_NS = 500_000_000

StagesNs = dict[str, int]
State = dict[str, Any]


def bench(
    exchange: Exchange,
    run: Callable[[], StagesNs],
    runs: int,
    warmup_runs: int,
    max_seconds: float,
    state: Callable[[], State],
    measured: Callable[[], contextlib.AbstractContextManager[object]] = contextlib.nullcontext,
) -> tuple[State, State]:
    """Calls `run`, which tells the ns of its stages; samples travel in blocks as they come.

    Ends after `runs`, or after `max_seconds` with what was measured until then (at least one run). The first
    `warmup_runs` are not among the samples. Returns what `state` tells ahead of the first that is, and after the last.
    The context of `measured` lasts from the one to the other.
    """
    before: State = {}
    samples: list[StagesNs] = []
    now = time.monotonic_ns()
    block_end, end, done = now + _BLOCK_NS, now + int(max_seconds * 1e9), 0
    with contextlib.ExitStack() as stack:
        for index in range(-warmup_runs, runs):
            if index == 0:
                before = state()
                stack.enter_context(measured())
            stages = run()
            now = time.monotonic_ns()
            if index >= 0:
                samples.append(stages)
                done += 1
            if now >= block_end:
                _send_block(exchange, samples)
                samples, block_end = [], now + _BLOCK_NS
            if done and now >= end:
                break
    _send_block(exchange, samples)
    return before, state()


def _send_block(exchange: Exchange, samples: list[StagesNs]) -> None:
    stages = samples[0] if samples else {}
    columns = {name: np.array([sample[name] for sample in samples], np.int64) for name in stages}
    arrays, payload = pack_arrays(columns)
    exchange.send_event("block", {"arrays": arrays}, payload)
