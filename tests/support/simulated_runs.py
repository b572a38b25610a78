"""Runs as boards give them, made up with a known truth: drift, two modes, spikes, samples that hang together."""

import numpy as np

from edgeproof.record.measured.latency import Samples


def simulated_ns(
    random: np.random.Generator,
    runs: int,
    *,
    base_ms: float = 20.0,
    scatter: float = 0.02,
    memory: float = 0.0,
    slow_mode: float = 0.0,
    spikes: float = 0.0,
    drift: float = 0.0,
) -> Samples:
    """Latencies [runs] in ns, log-normal around `base_ms`.

    `memory` is the correlation of neighbours, `slow_mode` the share of runs that take 15 % longer, `spikes` the share
    that takes 1.3 to 3 times as long, `drift` how much slower the board ends, most of it early on, as heat does it.
    """
    noise = random.normal(size=runs)
    wander = noise if memory == 0 else _remembering(noise, memory)
    times = base_ms * 1e6 * np.exp(scatter * wander)
    times *= np.where(random.random(runs) < slow_mode, 1.15, 1.0)
    times *= np.where(random.random(runs) < spikes, random.uniform(1.3, 3.0, runs), 1.0)
    times *= 1 + drift * (1 - np.exp(-3 * np.linspace(0, 1, runs)))
    return times.astype(np.int64)


def _remembering(noise: np.ndarray, memory: float) -> np.ndarray:
    """An autoregressive series [n] of the variance of its noise."""
    series, value = [], float(noise[0])
    scale = float(np.sqrt(1 - memory**2))
    for place, step in enumerate(noise.tolist()):
        value = memory * value + scale * step if place else value
        series.append(value)
    return np.array(series)
