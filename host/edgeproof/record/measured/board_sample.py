"""A board sampled beside a measurement, second by second."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgeproof_agent.machine.board_sample import MAX_CLUSTERS
from edgeproof_agent.machine.sampler import MAX_SAMPLES
from edgeproof_agent.wire.fields import Fields

_MOST_PARTS = 100
"""A measurement that went on anew is one of several parts."""
_MAX_CPU = 4096


@dataclass(frozen=True)
class ClusterSample:
    """CPUs that share a clock. What is not told is None."""

    first_cpu: int
    clock_mhz: float | None = None
    limit_mhz: float | None = None
    """What the kernel lets it go up to at this moment: heat lowers it."""
    busy: float | None = None
    """Of its busiest CPU since the sample before, 0..1."""


@dataclass(frozen=True)
class BoardSample:
    """The board at one moment of a measurement. What is not told is None."""

    at_seconds: float
    """Since the first measured run."""
    temperature_celsius: float | None = None
    throttled_bits: int | None = None
    """As in `BoardState`."""
    load_1min: float | None = None
    rss_mib: float | None = None
    """Resident set size of the agent's process."""
    clusters: tuple[ClusterSample, ...] = ()

    def to_json(self) -> dict[str, Any]:
        data = _told(asdict(self))
        data.pop("clusters")
        if self.clusters:
            data["clusters"] = [_told(asdict(cluster)) for cluster in self.clusters]
        return data


def read_timeline(fields: Fields) -> tuple[BoardSample, ...]:
    """The samples of `timeline`. Raises `FieldError`."""
    return tuple(map(_sample, fields.objects("timeline", _MOST_PARTS * MAX_SAMPLES)))


def joined_timeline(parts: Sequence[tuple[Sequence[BoardSample], float]]) -> tuple[BoardSample, ...]:
    """Of parts that were measured one after the other, each with its seconds."""
    samples: list[BoardSample] = []
    start = 0.0
    for part, seconds in parts:
        samples += [BoardSample(**{**vars(one), "at_seconds": start + one.at_seconds}) for one in part]
        start += seconds
    return tuple(samples)


def _sample(fields: Fields) -> BoardSample:
    return BoardSample(
        at_seconds=fields.number("at_seconds", low=0),
        temperature_celsius=_number(fields, "temperature_celsius"),
        throttled_bits=fields.integer("throttled_bits", high=2**32) if "throttled_bits" in fields else None,
        load_1min=_number(fields, "load_1min"),
        rss_mib=_number(fields, "rss_mib"),
        clusters=tuple(map(_cluster, fields.objects("clusters", MAX_CLUSTERS))) if "clusters" in fields else (),
    )


def _cluster(fields: Fields) -> ClusterSample:
    return ClusterSample(
        fields.integer("first_cpu", high=_MAX_CPU),
        _number(fields, "clock_mhz"),
        _number(fields, "limit_mhz"),
        fields.number("busy", low=0, high=1) if "busy" in fields else None,
    )


def _number(fields: Fields, name: str) -> float | None:
    return fields.number(name) if name in fields else None


def _told(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value is not None}
