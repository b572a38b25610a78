"""The gates' page, out of what reads them."""

from edgeproof.cli.help import topic_text
from edgeproof.record.detections import STAGES
from edgeproof.record.measured.latency import PERCENTS
from edgeproof.verify.gate_text import _ENERGIES, _MEMORY, _SHARES, _SIZES, _TIMES, KEYS, Window
from edgeproof.verify.latency import samples_needed

_UNITS = {"parity": _SHARES, "size": _SIZES, "peak_rss": _MEMORY, "energy": _ENERGIES}


def page() -> str:
    rows = [f"| `{key}` | {'latency of the stage' if key in STAGES else _OF[key]} | {_units(key)} |" for key in KEYS]
    needed = [f"| p{percent} | {samples_needed(percent)} |" for percent in PERCENTS]
    return "\n".join(
        [
            "# Gates",
            "",
            "`edgeproof help gates` prints this:",
            "",
            "```text",
            topic_text("gates").rstrip(),
            "```",
            "",
            "## Metrics and units",
            "",
            "| metric | bounds | units |",
            "|---|---|---|",
            *rows,
            "",
            f"A percentile may be followed by {' or '.join(f'`{item.value}`' for item in Window)}, or by `vs BASELINE` with a",
            "limit in %.",
            "",
            "## Samples that a percentile needs at least",
            "",
            "A bound in 99 of 100 cases needs so many samples that are independent of each other; `check` takes more where they",
            "are not.",
            "",
            "| percentile | samples |",
            "|---|---:|",
            *needed,
            "",
        ]
    )


_OF = {
    "parity": "confident detections that this machine and the board do not share",
    "accuracy": "mAP, mAP50, or the drop of mAP against a variant",
    "size": "the bundle's files",
    "peak_rss": "memory of the agent's process",
    "energy": "one inference, gross, by a meter",
}


def _units(key: str) -> str:
    units = _TIMES if key in STAGES else _UNITS.get(key)
    return ", ".join(f"`{unit}`" for unit in units) if units else "none"
