"""What in a board's state voids a measurement: it says something of the moment then, and nothing of the board."""

from collections.abc import Sequence

from edgeproof.record.board import BoardState
from edgeproof.record.measured.board_sample import BoardSample, ClusterSample
from edgeproof.record.measured.throttling import throttled_now, throttled_since_boot

HOT_CELSIUS = 75.0
"""Too near to 80 degrees, from where on a Raspberry Pi slows down
(https://www.raspberrypi.com/documentation/computers/raspberry-pi.html#frequency-management-and-thermal-control)."""
COOL_CELSIUS = 60.0
"""From where on a board may begin that is to cool down first: warming up brings it some degrees nearer to hot."""
CLOCK_TOLERANCE = 0.05
YARDSTICK_TOLERANCE = 0.1
"""The shortest of ten times for the same work varies by a few percent on a quiet machine."""
OTHERS_CPUS = 0.3
"""CPUs that others may take on average: an idle board's system takes a few hundredths."""
_BUSY = 0.8
"""Of a cluster's busiest CPU: from here on schedutil and ondemand ask for the highest clock that it may have."""
_CLOCK_WOBBLE = 0.1
"""Below its usual clock a busy cluster is slowed down: turbo clocks differ by less from one moment to the next."""
_SLOW_SAMPLES, _SLOW_SHARE = 2, 0.1
"""A single sample may have met a change of the clock: this many, and this share of all, are a state."""
_SHORTEST_SECONDS = 0.5
"""The kernel counts CPU time in hundredths of a second; a shorter run cannot be divided by it."""


def void_reasons(
    before: BoardState | None,
    after: BoardState | None,
    threads: int | None = None,
    timeline: Sequence[BoardSample] = (),
) -> list[str]:
    """Why a measurement between two states, both under load, is void; empty when nothing is known against it.

    `threads` are the interpreter's, `timeline` is the board in between. What a board does not tell is not held against
    it.
    """
    if before is None or after is None:
        return ["the board's state was not told for the whole of it: it was cut short"]
    reasons = [*_throttling(before, after, timeline), *_clocks(before, after, timeline), *_yardstick(before, after)]
    reasons += slowed_clusters(timeline)
    if max(before.cooling_state or 0, after.cooling_state or 0) > 0:
        reasons.append("the kernel held a CPU's clock down because of heat")
    temperature = before.temperature_celsius
    if temperature is not None and temperature >= HOT_CELSIUS:
        reasons.append(f"the board was too hot as it began: {temperature:.0f} °C; --cool-down waits for it")
    others = others_cpus(before, after)
    if others is not None and others > OTHERS_CPUS:
        reasons.append(f"other processes took {others:.1f} CPUs of the board meanwhile")
    allowed = [state.cpus_allowed for state in (before, after) if state.cpus_allowed is not None]
    if threads is not None and allowed and min(allowed) < threads:
        reasons.append(f"the agent may use {min(allowed)} of the board's CPUs, and the model ran on {threads} threads")
    return reasons


def others_cpus(before: BoardState, after: BoardState) -> float | None:
    """How many CPUs other processes than the agent were using on average; None where the board cannot tell."""
    worked = _difference(before.busy_cpu_seconds, after.busy_cpu_seconds)
    own = _difference(before.own_cpu_seconds, after.own_cpu_seconds)
    passed = _difference(before.uptime_seconds, after.uptime_seconds)
    if worked is None or own is None or passed is None or passed < _SHORTEST_SECONDS:
        return None
    return max(worked - own, 0.0) / passed


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _throttling(before: BoardState, after: BoardState, timeline: Sequence[BoardSample]) -> list[str]:
    if before.throttled_bits is None or after.throttled_bits is None:
        return []
    between = [sample.throttled_bits for sample in timeline if sample.throttled_bits is not None]
    bits = [before.throttled_bits, *between, after.throttled_bits]
    now = dict.fromkeys(cause for moment in bits for cause in throttled_now(moment))
    earlier = throttled_since_boot(before.throttled_bits)
    meanwhile = [cause for cause in throttled_since_boot(after.throttled_bits) if cause not in (*earlier, *now)]
    return [f"the board reports: {cause}" for cause in [*now, *meanwhile]]


def _clocks(before: BoardState, after: BoardState, timeline: Sequence[BoardSample]) -> list[str]:
    first, last = (state.clocks_mhz or _only(state.clock_mhz) for state in (before, after))
    if len(first) != len(last):
        return []
    idle = _idle_places(timeline, len(first))
    return [
        f"the clock changed from {old:.0f} to {new:.0f} MHz under load"
        for place, (old, new) in enumerate(zip(first, last, strict=True))
        if place not in idle and abs(new - old) > CLOCK_TOLERANCE * max(old, new)
    ]


def _idle_places(timeline: Sequence[BoardSample], clusters: int) -> set[int]:
    """Of the clusters those that are known to have had nothing to do: their clocks come and go."""
    told = [sample.clusters for sample in timeline if len(sample.clusters) == clusters]
    shares = [[sample[place].busy for sample in told if sample[place].busy is not None] for place in range(clusters)]
    return {place for place, values in enumerate(shares) if values and all((one or 0.0) < _BUSY for one in values)}


def slowed_clusters(timeline: Sequence[BoardSample]) -> list[str]:
    """The clusters of CPUs that were slowed down in between, though both ends may look alike: while busy, at a clock
    below their usual one (the upper quartile), or by a limit that the kernel has set lower than before, as its cooling
    does.

    One that idles has a low clock of its own accord, so that its clock tells nothing then.
    """
    clusters: dict[int, list[ClusterSample]] = {}
    for sample in timeline:
        for cluster in sample.clusters:
            clusters.setdefault(cluster.first_cpu, []).append(cluster)
    return [reason for cpu, samples in clusters.items() if (reason := _slowed(cpu, samples)) is not None]


def _slowed(first_cpu: int, samples: Sequence[ClusterSample]) -> str | None:
    busy = [one.clock_mhz for one in samples if one.clock_mhz is not None and (one.busy or 0.0) >= _BUSY]
    limits = [one.limit_mhz for one in samples if one.limit_mhz is not None]
    worked = any((one.busy or 0.0) >= _BUSY for one in samples)
    for values, what, tolerance in (
        (limits if worked else [], "were limited to", CLOCK_TOLERANCE),
        (busy, "ran at", _CLOCK_WOBBLE),
    ):
        usual = sorted(values)[3 * len(values) // 4] if values else 0.0
        slow = [value for value in values if value < (1 - tolerance) * usual]
        if len(slow) >= _SLOW_SAMPLES and len(slow) >= _SLOW_SHARE * len(values):
            return (
                f"the CPUs from {first_cpu} on {what} {min(slow):.0f} instead of {usual:.0f} MHz in {len(slow)} of "
                f"{len(values)} samples"
            )
    return None


def _yardstick(before: BoardState, after: BoardState) -> list[str]:
    """Stands in for clocks that a board does not tell."""
    first, last = before.yardstick_ns, after.yardstick_ns
    if first is None or last is None or before.clocks_mhz or before.clock_mhz is not None:
        return []
    if abs(last - first) <= YARDSTICK_TOLERANCE * max(first, last):
        return []
    return [f"a fixed piece of work took {last / first:.2f} times as long at its end as at its start"]


def _only(clock_mhz: float | None) -> tuple[float, ...]:
    return () if clock_mhz is None else (clock_mhz,)
