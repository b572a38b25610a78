"""What each operator of a model took on a board: its profile, or why there is none."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof_agent.wire.fields import Fields

MAX_OPERATORS = 10_000
_MAX_TEXT = 10_000


@dataclass(frozen=True)
class RanOperator:
    """What a profiler tells of an operator."""

    kernel: str
    """The profiler's name of what ran, e.g. `Convolution (NHWC, QC8) IGEMM`."""
    delegated: bool
    """Whether it ran in a delegate's kernel (XNNPACK's), not in one of the runtime's own."""
    operator: str | None = None
    """TFLite's, e.g. `CONV_2D`; None where it cannot be told."""
    layer: str | None = None
    """As `Layer.name`, likewise."""


@dataclass(frozen=True)
class ProfileSamples:
    """Raw times of profiled inferences, in microseconds, which is as fine as the profiler tells."""

    operators: tuple[RanOperator, ...]
    """In the order in which they ran."""
    us: npt.NDArray[np.int64]
    """[runs, operators]."""
    invoke_us: npt.NDArray[np.int64]
    """[runs]: the whole inference, by the profiler."""
    plain_us: npt.NDArray[np.int64]
    """[runs]: inferences without the profiler, in turns with these."""
    profiled_us: npt.NDArray[np.int64]
    """[runs]: with it, by the same clock."""
    threads: int


@dataclass(frozen=True)
class OperatorTime:
    """What one operator took."""

    ran: RanOperator
    calls: int
    """Once in each profiled inference."""
    median_us: float
    share: float
    """Of all the time of these inferences, 0..1."""


@dataclass(frozen=True)
class Profile:
    """An inference by its operators."""

    operators: tuple[OperatorTime, ...] = ()
    """In the order in which they ran; empty where there is no profile."""
    runs: int = 0
    threads: int = 0
    plain_ms: float = 0.0
    """Median of an inference without the profiler, measured in turns with those with it."""
    profiled_ms: float = 0.0
    unavailable: str | None = None
    """Why there is no profile."""

    @property
    def accounted(self) -> float:
        """What the operators take together of an inference, 0..1; the rest is the runtime's own work between them."""
        return sum(operator.share for operator in self.operators)

    @property
    def outside(self) -> tuple[OperatorTime, ...]:
        """Those that no delegate took."""
        return tuple(operator for operator in self.operators if not operator.ran.delegated)

    def to_json(self) -> dict[str, Any]:
        if self.unavailable is not None:
            return {"unavailable": self.unavailable}
        return {
            "runs": self.runs,
            "threads": self.threads,
            "plain_ms": self.plain_ms,
            "profiled_ms": self.profiled_ms,
            "operators": [_operator_json(operator) for operator in self.operators],
        }


def _operator_json(time: OperatorTime) -> dict[str, Any]:
    ran = time.ran
    names = {"operator": ran.operator, "layer": ran.layer}
    return {
        "kernel": ran.kernel,
        "delegated": ran.delegated,
        **{name: value for name, value in names.items() if value is not None},
        "calls": time.calls,
        "median_us": time.median_us,
        "share": time.share,
    }


def read_profile(fields: Fields) -> Profile:
    """Raises `FieldError`."""
    if "unavailable" in fields:
        return Profile(unavailable=fields.text("unavailable", max_length=_MAX_TEXT))
    return Profile(
        operators=tuple(map(_read_operator, fields.objects("operators", MAX_OPERATORS))),
        runs=fields.integer("runs", low=1),
        threads=fields.integer("threads", low=1),
        plain_ms=fields.number("plain_ms", low=0),
        profiled_ms=fields.number("profiled_ms", low=0),
    )


def _read_operator(fields: Fields) -> OperatorTime:
    return OperatorTime(
        RanOperator(
            fields.text("kernel", max_length=_MAX_TEXT),
            fields.flag("delegated"),
            fields.text("operator", max_length=_MAX_TEXT) if "operator" in fields else None,
            fields.text("layer", max_length=_MAX_TEXT) if "layer" in fields else None,
        ),
        fields.integer("calls", low=1),
        fields.number("median_us", low=0),
        fields.number("share", low=0, high=1),
    )
