"""What an inference takes of a board's energy, in a line a class of its source."""

from edgeproof.record.measured.energy import Energy, Joules, SourceClass
from edgeproof.record.measured.measurements import Latency
from edgeproof.wording.printable import shown, shown_line

_CLASS_WORDS = {
    SourceClass.METER: "a meter",
    SourceClass.PMIC_CORRECTED: "pmic corrected: by one user's fit, without a published error",
    SourceClass.PMIC_RAW: "pmic raw: what flows out of its regulators",
}


def energy_lines(latency: Latency) -> list[str]:
    """Empty for a report that was written before there was energy in one."""
    if latency.energy_reason is not None:
        return [f"Energy is not told: {shown(latency.energy_reason)}."]
    return [_line(energy) for energy in latency.energy]


def _line(energy: Energy) -> str:
    net = "" if energy.net is None else f", {_joules(energy.net)} without what the board draws idle"
    idle = "" if energy.idle_watts is None else f", {energy.idle_watts:.2f} W idle"
    return (
        f"Energy of an inference: {_joules(energy.gross)}{net}; {energy.watts:.2f} W on average{idle}. "
        f"{shown_line(energy.source)} ({_CLASS_WORDS[energy.source_class]}), {energy.readings} readings; "
        "the intervals (95 %) are of their scatter alone."
    )


def _joules(joules: Joules) -> str:
    """To the digits that its interval carries."""
    unit, factor = ("mJ", 1e3) if joules.value < 0.1 else ("J", 1.0)
    width = (joules.high - joules.low) * factor
    decimals = next((digits for digits in range(4) if width >= 2 * 10.0**-digits), 3)
    value, low, high = (f"{number * factor:.{decimals}f}" for number in (joules.value, joules.low, joules.high))
    return f"{value} {unit} ({low} to {high})"
