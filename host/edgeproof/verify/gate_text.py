"""Reads gates: `total = "p95 < 80 ms"`. What a gate cannot mean is an error that names what is nearest to it."""

import difflib
import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgeproof.errors import UsageError
from edgeproof.record.detections import STAGES
from edgeproof.record.measured.latency import PERCENTS
from edgeproof.verify.verdict import Comparison


class Quantity(enum.Enum):
    """What a gate bounds."""

    PERCENTILE = "percentile"
    """Of a stage's latency, in ms."""
    PERCENTILE_CHANGE = "percentile vs baseline"
    """Against a baseline's, in %: +5 is five percent slower."""
    DIFFERING = "differing"
    """Share of the host's confident detections that the board does not have, or the other way round, in %."""
    MAP = "map"
    MAP_50 = "map50"
    MAP_DROP = "map drop"
    """How much less than a reference variant's, as a difference of mAP."""
    SIZE = "size"
    """Of the bundle's files, in MB."""
    PEAK_RSS = "peak_rss"
    """Of the agent's process, in MiB."""
    ENERGY = "energy"
    """Of one inference, in J."""


class Window(enum.Enum):
    """Which part of a run a latency gate speaks of, where the run drifts. Without drift all of them are the run."""

    SUSTAINED = "sustained"
    BURST = "burst"


@dataclass(frozen=True)
class Gate:
    text: str
    """`total p95 < 80 ms`."""
    quantity: Quantity
    comparison: Comparison
    limit: float
    """In `unit`."""
    unit: str
    """The quantity's own: ms, %, MB, MiB, J, or nothing for mAP."""
    stage: str = ""
    percent: int = 0
    window: Window = Window.SUSTAINED
    reference: str = ""
    """What it is compared with: a baseline's name, a variant."""


class GateError(UsageError):
    """A gate that means nothing, with what was likely meant."""


_TIMES = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3}
_SIZES = {"B": 1e-6, "kB": 1e-3, "KB": 1e-3, "MB": 1.0, "GB": 1e3, "KiB": 1.024e-3, "MiB": 1.048576, "GiB": 1073.741824}
_MEMORY = {unit: factor / _SIZES["MiB"] for unit, factor in _SIZES.items()}
_ENERGIES = {"uJ": 1e-6, "µJ": 1e-6, "mJ": 1e-3, "J": 1.0, "kJ": 1e3}
_SHARES = {"%": 1.0}
_PLAIN = {"": 1.0}

KEYS = (*STAGES, "parity", "accuracy", "size", "peak_rss", "energy")
"""The keys of `[check.gates]`."""

_GATE = re.compile(
    r"\s*(?P<words>[^<>=]*?)\s*(?P<operator><=|>=|<|>)\s*(?P<number>[+-]?\d+(?:\.\d*)?|[+-]?\.\d+)\s*(?P<unit>\S*)\s*"
)
_PERCENTILE = re.compile(r"p(\d+(?:\.\d+)?)")
_EXAMPLES = {
    "parity": "differing <= 1 %",
    "accuracy": "map >= 0.40",
    "size": "< 6 MB",
    "peak_rss": "< 200 MiB",
    "energy": "< 0.6 J",
}


def parse_gates(gates: Mapping[str, str | Sequence[str]]) -> list[Gate]:
    """All gates in their order; a key holds one text or several. Raises `GateError`."""
    return [
        parse_gate(key, text) for key, texts in gates.items() for text in ([texts] if isinstance(texts, str) else texts)
    ]


def parse_gate(key: str, text: str) -> Gate:
    """One gate. Raises `GateError`."""
    if key not in KEYS:
        raise GateError(f"there is no metric {key!r}.{_nearest(key, KEYS)} There are: {', '.join(KEYS)}")
    found = _GATE.fullmatch(text)
    if found is None:
        raise GateError(f"{text!r} is no gate: it looks like {_example(key)!r}")
    words = found["words"].split()
    comparison = Comparison(found["operator"])
    number, unit = float(found["number"]), found["unit"]
    if key in STAGES:
        return _latency(key, text, words, comparison, number, unit)
    if key == "parity":
        _require_words(key, words, (["differing"],))
        quantity, units, base = Quantity.DIFFERING, _SHARES, "%"
    elif key == "accuracy":
        return _accuracy(key, text, words, comparison, number, unit)
    else:
        _require_words(key, words, ([],))
        quantity = Quantity(key)
        units, base = {"size": (_SIZES, "MB"), "peak_rss": (_MEMORY, "MiB"), "energy": (_ENERGIES, "J")}[key]
    limit = number * _factor(key, unit, units)
    _require_direction(key, comparison, from_above=True)
    return Gate(_named(key, text), quantity, comparison, limit, base)


def _latency(key: str, text: str, words: list[str], comparison: Comparison, number: float, unit: str) -> Gate:
    if not words:
        raise GateError(f"{text!r} names no percentile of {key}: it looks like {_example(key)!r}")
    percent = _percent(words[0])
    _require_direction(key, comparison, from_above=True)
    rest = words[1:]
    if rest[:1] == ["vs"]:
        if len(rest) != 2:
            raise GateError(f"{text!r}: 'vs' names one baseline, as in 'p50 vs baseline < +5 %'")
        limit = number * _factor(key, unit, _SHARES)
        return Gate(
            _named(key, text), Quantity.PERCENTILE_CHANGE, comparison, limit, "%", key, percent, reference=rest[1]
        )
    window = Window.SUSTAINED
    if rest:
        names = [item.value for item in Window]
        if len(rest) > 1 or rest[0] not in names:
            wrong = " ".join(rest)
            raise GateError(f"{wrong!r} means nothing after a percentile.{_nearest(wrong, [*names, 'vs'])}")
        window = Window(rest[0])
    limit = number * _factor(key, unit, _TIMES)
    return Gate(_named(key, text), Quantity.PERCENTILE, comparison, limit, "ms", key, percent, window)


def _accuracy(key: str, text: str, words: list[str], comparison: Comparison, number: float, unit: str) -> Gate:
    limit = number * _factor(key, unit, _PLAIN)
    if words[:3] == ["map", "drop", "vs"] and len(words) == 4:
        _require_direction("map drop", comparison, from_above=True)
        return Gate(_named(key, text), Quantity.MAP_DROP, comparison, limit, "", reference=words[3])
    _require_words(key, words, (["map"], ["map50"], ["map", "drop", "vs", "VARIANT"]))
    _require_direction(key, comparison, from_above=False)
    return Gate(_named(key, text), Quantity(words[0]), comparison, limit, "")


def _percent(word: str) -> int:
    found = _PERCENTILE.fullmatch(word)
    names = [f"p{percent}" for percent in PERCENTS]
    if found is None:
        raise GateError(f"{word!r} is no percentile.{_nearest(word, names)} There are: {', '.join(names)}")
    percent = float(found[1])
    if percent not in PERCENTS:
        near = min(PERCENTS, key=lambda known: abs(known - percent))
        raise GateError(f"there is no {word}. The nearest is p{near}; there are: {', '.join(names)}")
    return int(percent)


def _factor(key: str, unit: str, units: Mapping[str, float]) -> float:
    if unit in units:
        return units[unit]
    if units is _PLAIN:
        raise GateError(f"{key} is a number from 0 to 1 and has no unit, not {unit!r}")
    known = ", ".join(units)
    if not unit:
        raise GateError(f"the limit of {key} has no unit; there are: {known}")
    raise GateError(f"{key} has no unit {unit!r}.{_nearest(unit, list(units))} There are: {known}")


def _require_words(key: str, words: list[str], known: Sequence[list[str]]) -> None:
    if words in known:
        return
    choices = [" ".join(item) for item in known]
    wrong = " ".join(words)
    if choices == [""]:
        raise GateError(f"{wrong!r} means nothing in a gate on {key}: it looks like {_example(key)!r}")
    raise GateError(f"{key} has no {wrong!r}.{_nearest(wrong, choices)} There are: {', '.join(choices)}")


def _require_direction(key: str, comparison: Comparison, from_above: bool) -> None:
    if comparison.bounds_from_above != from_above:
        wanted = "< or <=" if from_above else "> or >="
        raise GateError(f"a gate bounds {key} with {wanted}, not with {comparison.value}")


def _nearest(wrong: str, known: Sequence[str]) -> str:
    folded = {item.casefold(): item for item in known}
    near = difflib.get_close_matches(wrong.casefold(), list(folded), 1, cutoff=0.4)
    return f" Did you mean {folded[near[0]]}?" if near else ""


def _example(key: str) -> str:
    return _EXAMPLES.get(key, "p95 < 80 ms")


def _named(key: str, text: str) -> str:
    return f"{key} {' '.join(text.split())}"
