"""Gates as they are written: what they mean, and what is said of one that means nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.verify.gate_text import KEYS, Gate, GateError, Quantity, Window, parse_gate, parse_gates
from edgeproof.verify.verdict import Comparison

BELOW, AT_MOST, AT_LEAST = Comparison.BELOW, Comparison.AT_MOST, Comparison.AT_LEAST


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("total", "p95 < 80 ms", Gate("total p95 < 80 ms", Quantity.PERCENTILE, BELOW, 80, "ms", "total", 95)),
        (
            "total",
            "p99 burst <= 0.1s",
            Gate("total p99 burst <= 0.1s", Quantity.PERCENTILE, AT_MOST, 100, "ms", "total", 99, Window.BURST),
        ),
        (
            "invoke",
            "p50  vs  baseline < +5 %",
            Gate(
                "invoke p50 vs baseline < +5 %",
                Quantity.PERCENTILE_CHANGE,
                BELOW,
                5,
                "%",
                "invoke",
                50,
                reference="baseline",
            ),
        ),
        ("parity", "differing <= 1 %", Gate("parity differing <= 1 %", Quantity.DIFFERING, AT_MOST, 1, "%")),
        ("accuracy", "map >= 0.40", Gate("accuracy map >= 0.40", Quantity.MAP, AT_LEAST, 0.4, "")),
        ("accuracy", "map50 >= .5", Gate("accuracy map50 >= .5", Quantity.MAP_50, AT_LEAST, 0.5, "")),
        (
            "accuracy",
            "map drop vs float32 <= 0.01",
            Gate("accuracy map drop vs float32 <= 0.01", Quantity.MAP_DROP, AT_MOST, 0.01, "", reference="float32"),
        ),
        ("size", "< 6 MB", Gate("size < 6 MB", Quantity.SIZE, BELOW, 6, "MB")),
        ("energy", "<0.6J", Gate("energy <0.6J", Quantity.ENERGY, BELOW, 0.6, "J")),
    ],
)
def test_a_gate_is_what_it_says(key: str, text: str, expected: Gate) -> None:
    assert parse_gate(key, text) == expected


@pytest.mark.parametrize(
    ("key", "text", "limit"),
    [
        ("total", "p50 < 2 s", 2000.0),
        ("total", "p50 < 250 us", 0.25),
        ("size", "< 2 MiB", 2.097152),
        ("size", "< 500 kB", 0.5),
        ("size", "< 1 GB", 1000.0),
        ("size", "< 500000 B", 0.5),
        ("total", "p50 < 5000 ns", 0.005),
        ("peak_rss", "< 1 GiB", 1024.0),
        ("peak_rss", "< 200 MiB", 200.0),
        ("energy", "< 600 mJ", 0.6),
    ],
)
def test_units_are_taken_for_what_they_are(key: str, text: str, limit: float) -> None:
    assert parse_gate(key, text).limit == pytest.approx(limit)


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("totl", "p95 < 80 ms", "there is no metric 'totl'. Did you mean total?"),
        ("peak-rss", "< 80 MiB", "Did you mean peak_rss?"),
        ("total", "p95 < 80 msec", "total has no unit 'msec'. Did you mean ms?"),
        ("peak_rss", "< 80 mib", "Did you mean MiB?"),
        ("total", "p95 < 80", "the limit of total has no unit; there are: ns, us"),
        ("total", "p97 < 80 ms", "there is no p97. The nearest is p95"),
        ("total", "p99.9 < 80 ms", "there is no p99.9. The nearest is p99"),
        ("total", "q95 < 80 ms", "'q95' is no percentile. Did you mean p95?"),
        ("total", "< 80 ms", "names no percentile of total: it looks like 'p95 < 80 ms'"),
        ("total", "p95 sustaned < 80 ms", "'sustaned' means nothing after a percentile. Did you mean sustained?"),
        ("total", "p95 vs < 80 %", "'vs' names one baseline"),
        ("total", "p95 vs main < 80 ms", "total has no unit 'ms'"),
        ("total", "p95 > 80 ms", "a gate bounds total with < or <=, not with >"),
        ("total", "p95 80 ms", "is no gate: it looks like 'p95 < 80 ms'"),
        ("parity", "diffring <= 1 %", "parity has no 'diffring'. Did you mean differing?"),
        ("parity", "differing >= 1 %", "with < or <="),
        ("accuracy", "mpa >= 0.4", "accuracy has no 'mpa'. Did you mean map?"),
        ("accuracy", "map <= 0.4", "a gate bounds accuracy with > or >=, not with <="),
        ("accuracy", "map >= 40 %", "accuracy is a number from 0 to 1 and has no unit, not '%'"),
        ("accuracy", "map drop vs float32 >= 0.1", "a gate bounds map drop with < or <="),
        ("size", "p95 < 6 MB", "'p95' means nothing in a gate on size: it looks like '< 6 MB'"),
        ("size", "< six MB", "is no gate"),
    ],
)
def test_what_means_nothing_is_refused_with_the_nearest(key: str, text: str, words: str) -> None:
    with pytest.raises(GateError) as refused:
        parse_gate(key, text)
    assert words in str(refused.value)


@given(st.sampled_from([*KEYS, "nothing"]), st.text(max_size=40))
def test_any_text_is_a_gate_or_a_gate_error(key: str, text: str) -> None:
    try:
        gate = parse_gate(key, text)
    except GateError:
        return
    assert gate.text.startswith(f"{key} ")


def test_a_key_holds_one_gate_or_several() -> None:
    gates = parse_gates({"total": ["p50 < 1 ms", "p95 < 2 ms"], "size": "< 6 MB"})
    assert [gate.text for gate in gates] == ["total p50 < 1 ms", "total p95 < 2 ms", "size < 6 MB"]
