"""How the latencies of several runs are spread, laid over each other, with the limits that gates set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgeproof.record.measured.latency import Samples
from edgeproof.report.charts.style import MARK, chart, series_colour
from edgeproof.report.formatting import ms
from edgeproof.verify.latency import percentile_ns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TAIL = 1.5  # times the 98th percentile: what lies beyond is counted, not drawn, or it would squeeze all else
_BINS = 60
_LOG_FROM = 6.0  # times between the fastest and the slowest: a linear axis would squeeze the fast ones into one bin
_LINES = ("-", "--", ":")


@dataclass(frozen=True)
class Spread:
    """One run's samples of a stage."""

    number: int
    """Of the run, which decides on its colour."""
    samples_ns: Samples


def distributions_svg(spreads: Sequence[Spread], limits_ms: Sequence[float], stage: str, name: str) -> str:
    """One histogram a run, in per cent of its samples; a vertical line a limit. Raises `ValueError` without a run."""
    if not spreads:
        raise ValueError("there is no run to draw")

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        kept = [_near(spread.samples_ns) for spread in spreads]
        bins = edges(kept, limits_ms)
        for spread, values in zip(spreads, kept, strict=True):
            weights = np.full(len(values), 100 / len(spread.samples_ns))
            axes.hist(
                values,
                bins=bins,
                weights=weights,
                histtype="stepfilled",
                color=series_colour(spread.number),
                alpha=0.35,
            )
            axes.hist(
                values,
                bins=bins,
                weights=weights,
                histtype="step",
                color=series_colour(spread.number),
                linewidth=1.3,
            )
        for place, limit in enumerate(sorted(limits_ms)):
            axes.axvline(limit, color=MARK, linewidth=1.4, linestyle=_LINES[place % 3], label=f"limit {ms(limit)} ms")
        if bins[-1] / max(bins[0], 1e-9) > _LOG_FROM:
            _logarithmic(axes)
        axes.set_xlabel(f"{stage}, ms{_beyond(spreads, kept)}")
        axes.set_ylabel("% of the samples")
        if limits_ms:
            axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, borderpad=0)

    return chart(name, f"distribution of {stage} latency, one shape a run", 2.4, draw)


def _near(samples_ns: Samples) -> npt.NDArray[np.float64]:
    samples_ms = samples_ns / 1e6
    near: npt.NDArray[np.float64] = samples_ms[samples_ms <= percentile_ns(samples_ns, 98) / 1e6 * _TAIL]
    return near


def _beyond(spreads: Sequence[Spread], kept: Sequence[npt.NDArray[np.float64]]) -> str:
    missing = sum(len(spread.samples_ns) - len(values) for spread, values in zip(spreads, kept, strict=True))
    most = max(int(spread.samples_ns.max()) for spread in spreads) / 1e6
    return f"; {missing} beyond the right end, up to {ms(most)}" if missing else ""


def edges(kept: Sequence[npt.NDArray[np.float64]], limits_ms: Sequence[float]) -> list[float]:
    """Of the bins, in ms: around all samples and limits, in equal steps, or in equal ratios where these are far."""
    ends = [*(edge for values in kept for edge in (values.min(), values.max())), *limits_ms]
    low, high = max(float(min(ends)), 1e-6), float(max(ends))
    if high <= low:
        return list(np.linspace(low * 0.9, low * 1.1, 9))
    if high / low > _LOG_FROM:
        return list(np.geomspace(low * 0.97, high * 1.05, _BINS))
    margin = 0.03 * (high - low)
    return list(np.linspace(max(low - margin, 1e-6), high + margin, _BINS))


def _logarithmic(axes: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
