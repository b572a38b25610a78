"""Gates held against runs: the answer, the figures beside it, and what is said to be missing."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgeproof.record.board import BoardState
from edgeproof.record.detections import BenchResult
from edgeproof.record.run import Run
from edgeproof.record.verdict.claims import Answer, Claim
from edgeproof.record.verdict.parity import Parity, PictureParity
from edgeproof.verify.energy import NO_SOURCE
from edgeproof.verify.gate_text import parse_gate
from edgeproof.verify.gates import Baselines, evaluate, further_runs
from edgeproof.verify.latency import latency_of
from tests.support import sample_report as sample
from tests.support.sample_accuracy import evaluated
from tests.support.simulated_runs import simulated_ns

MS = 1_000_000
PASS, FAIL, OPEN = Answer.PASS, Answer.FAIL, Answer.INCONCLUSIVE


def run_of(samples_ns: np.ndarray) -> Run:
    """A quiet board's run whose stages `invoke` and `total` both took this long."""
    bench = BenchResult(
        {"invoke": samples_ns, "total": samples_ns}, 10, sample.state(), sample.state(own_cpu_seconds=20.0)
    )
    return replace(sample.run(), latency=latency_of(bench))


def steady(runs: int = 200, seed: int = 1, **kind: float) -> Run:
    """p50 is 20 ms, p95 20.67 ms."""
    return run_of(simulated_ns(np.random.default_rng(seed), runs, **kind))


def claim(run: Run, key: str, text: str, baselines: Baselines | None = None) -> Claim:
    (found,) = evaluate([parse_gate(key, text)], run, baselines)
    return found


@pytest.mark.parametrize(
    ("text", "answer"),
    [("p95 < 25 ms", PASS), ("p95 < 20 ms", FAIL), ("p95 < 20.67 ms", OPEN), ("p50 < 20.5 ms", PASS)],
)
def test_a_percentile_is_judged_by_its_whole_interval(text: str, answer: Answer) -> None:
    found = claim(steady(), "total", text)
    assert found.answer is answer
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.value <= found.high
    assert found.gate == f"total {text}"
    assert (found.unit, found.samples) == ("ms", 200)


def test_too_few_samples_are_inconclusive_and_the_number_is_said() -> None:
    found = claim(steady(60), "total", "p95 < 100 ms")
    assert (found.answer, found.note) == (OPEN, "needs 130 samples, has 60: --runs 130")


def test_a_clear_fail_needs_no_more_samples() -> None:
    assert claim(steady(60), "total", "p95 < 10 ms").answer is FAIL


def test_samples_that_hang_together_are_said_to_be_worth_less() -> None:
    found = claim(steady(200, memory=0.9), "total", "p95 < 100 ms")
    assert found.answer is OPEN
    assert found.note is not None
    assert "independent: --runs" in found.note


def test_a_gate_holds_for_the_sustained_part_unless_it_says_burst() -> None:
    random = np.random.default_rng(1)
    heated = run_of(np.concatenate([simulated_ns(random, 450), simulated_ns(random, 450, base_ms=24.0)]))
    late, early = claim(heated, "total", "p95 < 23 ms"), claim(heated, "total", "p95 burst < 23 ms")
    assert (late.answer, early.answer) == (FAIL, PASS)
    assert late.samples == early.samples == 300
    assert late.note is not None
    assert late.note.startswith("of the sustained part: its late blocks took 1.")


def test_a_run_that_drifts_needs_three_times_as_many() -> None:
    found = claim(steady(150, drift=0.3), "total", "p95 < 100 ms")
    assert found.answer is OPEN
    assert found.note == "needs 390 samples, as it drifts and a gate speaks of a third (sustained), has 150: --runs 390"


@pytest.mark.parametrize("text", ["p95 < 25 ms", "p95 < 10 ms"])
def test_a_disturbed_run_neither_passes_nor_fails_and_says_why(text: str) -> None:
    quiet = steady()
    assert quiet.latency is not None
    hot = replace(quiet.latency, after=BoardState(throttled_bits=4), before=BoardState(throttled_bits=0))
    found = claim(replace(quiet, latency=hot), "total", text)
    assert (found.answer, found.note) == (OPEN, "the measurement is void: the board reports: throttled")
    assert found.value is not None


def test_a_median_far_above_the_best_is_a_disturbed_run() -> None:
    samples = np.append(np.full(199, 50 * MS, np.int64), MS)
    found = claim(run_of(samples), "total", "p95 < 100 ms")
    assert (found.answer, found.note) == (
        OPEN,
        "the measurement is void: invoke took 50 times as long at its median as at its best",
    )


def test_latency_of_an_emulated_board_is_never_told() -> None:
    found = claim(replace(steady(), board=sample.board(emulated=True)), "total", "p95 < 25 ms")
    assert found.answer is OPEN
    assert found.note == "the processor is emulated: its latency says nothing about a board"


def test_a_run_that_ended_early_passes_nothing_that_was_timed() -> None:
    found = claim(replace(steady(), error="the agent died"), "total", "p95 < 25 ms")
    assert (found.answer, found.note) == (OPEN, "the run ended early: the agent died")


NO_ACCURACY = "accuracy was not measured: name a labelled data set with --data, or data in [check]"


@pytest.mark.parametrize(
    ("key", "text", "note"),
    [
        ("capture", "p50 < 1 ms", "no samples of capture were taken"),
        ("accuracy", "map >= 0.4", NO_ACCURACY),
        ("accuracy", "map drop vs float32 <= 0.01", NO_ACCURACY),
        ("energy", "< 0.6 J", f"energy was not measured: {NO_SOURCE}"),
        ("parity", "differing <= 1 %", "parity was not measured: name pictures in [check]"),
        (
            "invoke",
            "p50 vs main < 5 %",
            "there is no 'main' of this variant, board, runtime and threads",
        ),
    ],
)
def test_what_was_not_measured_is_inconclusive_without_figures(key: str, text: str, note: str) -> None:
    found = claim(steady(), key, text)
    assert (found.answer, found.note) == (OPEN, note)
    assert (found.value, found.low, found.high, found.samples) == (None, None, None, None)


@pytest.mark.parametrize(("text", "answer"), [("< 500 mJ", PASS), ("< 0.1 J", FAIL), ("< 0.2132 J", OPEN)])
def test_a_meter_tells_energy_by_the_interval_of_its_readings(text: str, answer: Answer) -> None:
    """4.1 W over 10.4 s and 200 runs."""
    found = claim(replace(steady(), latency=sample.sampled_latency("meter")), "energy", text)
    assert found.answer is answer
    assert found.value == pytest.approx(0.2132)
    assert (found.note is None) == (answer is not OPEN)
    assert found.samples == 30


def test_what_no_meter_tells_of_energy_passes_and_fails_nothing() -> None:
    for limit in ("< 10 J", "< 1 mJ"):
        found = claim(replace(steady(), latency=sample.sampled_latency("pmic")), "energy", limit)
        assert found.answer is OPEN
        assert found.note is not None
        assert "pmic corrected" in found.note


def test_energy_of_a_void_run_is_not_told() -> None:
    run = replace(steady(), latency=sample.sampled_latency("meter"), board=sample.board(emulated=True))
    assert claim(run, "energy", "< 10 J").answer is OPEN


@pytest.mark.parametrize(("text", "answer"), [("< 4 MB", PASS), ("< 3.812345 MB", FAIL), ("<= 3.812345 MB", PASS)])
def test_the_size_is_known_exactly(text: str, answer: Answer) -> None:
    found = claim(steady(), "size", text)
    assert (found.answer, found.value, found.low, found.high) == (answer, 3.812345, 3.812345, 3.812345)


def test_the_peak_of_memory_is_what_the_board_said() -> None:
    assert claim(steady(), "peak_rss", "< 200 MiB").answer is PASS
    assert claim(steady(), "peak_rss", "< 100 MiB").answer is FAIL
    untold = replace(steady(), latency=None, after=None)
    assert claim(untold, "peak_rss", "< 100 MiB").note == "the board does not tell the memory of a process"


def parity(same: int, differing: int) -> Run:
    picture = PictureParity("a", None, same=same, differing=differing)
    return replace(steady(), parity=Parity("tflite-runtime 2.14.0", 0.5, 0.02, (picture,)))


@pytest.mark.parametrize(
    ("same", "differing", "answer"), [(500, 0, PASS), (100, 0, OPEN), (450, 50, FAIL), (990, 10, OPEN)]
)
def test_parity_passes_by_its_bound_and_not_by_its_count(same: int, differing: int, answer: Answer) -> None:
    assert claim(parity(same, differing), "parity", "differing <= 1 %").answer is answer


def test_the_detections_that_parity_lacks_are_said_and_suffice() -> None:
    found = claim(parity(100, 0), "parity", "differing <= 1 %")
    assert found.note is not None
    assert found.note.startswith("needs about ")
    needed = int(found.note.split()[2])
    assert 299 <= needed <= 350  # 0.99 ** 299 is the first below 0.05
    assert claim(parity(needed, 0), "parity", "differing <= 1 %").answer is PASS
    hopeless = claim(parity(99, 1), "parity", "differing <= 1 %").note
    assert hopeless == "too near to the limit to be told from it by 100 detections"


def test_pictures_without_objects_prove_nothing() -> None:
    found = claim(parity(0, 0), "parity", "differing <= 1 %")
    assert (found.answer, found.value) == (OPEN, None)
    assert found.note == "nothing confident was found on 1 picture: give pictures with objects on them"


@pytest.mark.parametrize(("slower", "answer"), [(1.0, PASS), (1.3, FAIL), (1.06, OPEN)])
def test_a_change_against_a_baseline_is_told_when_it_is_far_from_the_limit(slower: float, answer: Answer) -> None:
    now = steady(400, seed=2, base_ms=20.0 * slower)
    found = claim(now, "invoke", "p50 vs main < +6 %", {"main": steady(400)})
    assert found.answer is answer
    assert found.value == pytest.approx(100 * (slower - 1), abs=1.0)
    assert found.note == "not interleaved: the baseline was measured at another time"


def test_a_change_within_what_days_differ_by_is_not_told() -> None:
    """4.5 % slower, give or take half a percent, is below 6 %; yet the same bundle differs by 2 % from day to day."""
    found = claim(steady(2000, seed=2, base_ms=20.9), "invoke", "p50 vs main < +6 %", {"main": steady(2000)})
    assert found.answer is OPEN
    assert found.high == pytest.approx(6.8, abs=0.4)


def test_a_change_is_told_by_the_bounds_of_both_runs() -> None:
    """8.7 % slower at the median, of 30 runs each: it may as well be 5 %."""
    found = claim(steady(30, seed=2, base_ms=21.74), "invoke", "p50 vs main < +6 %", {"main": steady(30)})
    assert found.answer is OPEN
    assert found.low is not None
    assert found.low < 5


def test_a_disturbed_baseline_is_none() -> None:
    broken = replace(steady(400), error="the agent died")
    found = claim(steady(400), "invoke", "p50 vs main < 50 %", {"main": broken})
    assert (found.answer, found.note) == (OPEN, "the run ended early: the agent died")


def test_further_runs_are_those_that_the_open_gates_need() -> None:
    gates = [parse_gate("total", "p95 < 100 ms"), parse_gate("invoke", "p99 < 100 ms"), parse_gate("size", "< 1 MB")]
    assert further_runs(gates, steady(60)) == 662 - 60
    assert further_runs(gates[:1], steady(60)) == 130 - 60
    assert further_runs(gates, steady(700)) == 0
    assert further_runs(gates[:1], replace(steady(), latency=None)) == 0
    assert further_runs(gates[:1], replace(steady(60), board=sample.board(emulated=True))) == 0


def test_no_number_of_runs_tells_a_gate_at_the_very_value() -> None:
    samples = np.random.default_rng(8).permutation(np.tile(np.arange(11, 31), 50)).astype(np.int64) * MS
    assert further_runs([parse_gate("total", "p95 <= 29 ms")], run_of(samples)) == 0
    found = claim(run_of(samples), "total", "p95 <= 29 ms")
    assert found.answer is OPEN
    assert (
        found.note == "too near to the limit to be told from it; 1000 samples do not tell, and no feasible number would"
    )


@pytest.mark.parametrize("kind", [{}, {"memory": 0.6}, {"spikes": 0.03}, {"slow_mode": 0.3}])
def test_wrong_answers_stay_under_one_in_a_hundred_at_the_worst_limit(kind: dict[str, float]) -> None:
    """The limit lies a hair on either side of the true p95, where a wrong answer is likeliest: 1 % is allowed on each
    side, and 400 runs have 12 or more of them in 1 of 1000 repetitions."""
    truth = float(np.quantile(simulated_ns(np.random.default_rng(0), 1_000_000, **kind), 0.95)) / MS
    runs = [steady(400, seed=seed, **kind) for seed in range(400)]
    above, below = (f"p95 < {truth * factor:.4f} ms" for factor in (1.0005, 0.9995))
    assert sum(claim(run, "total", below).answer is PASS for run in runs) < 12
    assert sum(claim(run, "total", above).answer is FAIL for run in runs) < 12


def with_accuracy(**changes: Any) -> Run:
    return replace(sample.run(), accuracy=evaluated(**changes).accuracy)


def test_map_is_held_against_its_limit_by_its_interval() -> None:
    run = with_accuracy()
    assert run.accuracy is not None
    value, low, high = run.accuracy.map.value, run.accuracy.map.low, run.accuracy.map.high
    assert low is not None
    assert high is not None
    passed, failed = claim(run, "accuracy", f"map >= {low - 0.001}"), claim(run, "accuracy", f"map >= {high + 0.001}")
    assert (passed.answer, failed.answer) == (PASS, FAIL)
    assert (passed.value, passed.low, passed.high, passed.samples) == (value, low, high, 110)
    open_one = claim(run, "accuracy", f"map >= {low + 0.3 * (value - low)}")
    assert open_one.answer is OPEN
    assert open_one.note is not None
    assert open_one.note.startswith("needs about ")
    assert open_one.note.endswith(" pictures, has 110: give a larger data set")
    told = int(open_one.note.split()[2])
    assert told == math.ceil(1.1 * 110 * ((value - low) / (value - open_one.limit)) ** 2)
    above = claim(run, "accuracy", f"map >= {high - 0.3 * (high - value)}")
    assert above.note is not None
    assert int(above.note.split()[2]) == math.ceil(1.1 * 110 * ((high - value) / (above.limit - value)) ** 2)


def test_a_limit_that_is_the_figure_itself_is_never_told() -> None:
    run = with_accuracy()
    assert run.accuracy is not None
    found = claim(run, "accuracy", f"map50 >= {run.accuracy.map50.value!r}")
    assert (found.answer, found.note) == (OPEN, "too near to the limit to be told from it by 110 pictures")


def test_a_drop_is_that_against_the_named_variant() -> None:
    run = with_accuracy(loss=0.5)
    assert run.accuracy is not None
    same, other = run.accuracy.against
    assert (same.variant, other.variant) == ("int8", "float32")
    assert other.drop.low is not None
    assert claim(run, "accuracy", f"map drop vs float32 <= {other.drop.low - 1e-6}").answer is FAIL
    assert claim(run, "accuracy", "map drop vs float32 <= 0.5").value == other.drop.value > 0


def test_pictures_that_all_agree_say_no_more_than_their_number_can() -> None:
    run = with_accuracy(loss=0.5)
    assert run.accuracy is not None
    drop = run.accuracy.against[0].drop
    reach = 1 - 0.025 ** (1 / 110)  # Clopper and Pearson, of 0 in 110
    assert drop.value == 0
    assert drop.low == pytest.approx(-reach)
    assert drop.high == pytest.approx(reach)
    assert claim(run, "accuracy", "map drop vs int8 <= 0.035").answer is PASS
    near = claim(run, "accuracy", "map drop vs int8 <= 0.01")
    assert (near.answer, near.note) == (
        OPEN,
        f"needs about {math.ceil(1.1 * 110 * reach / 0.01)} pictures, has 110: give a larger data set",
    )
    never = claim(run, "accuracy", "map drop vs int8 <= 0")
    assert (never.answer, never.note) == (OPEN, "too near to the limit to be told from it by 110 pictures")


def test_a_drop_against_a_variant_that_was_not_run_is_not_known() -> None:
    found = claim(with_accuracy(), "accuracy", "map drop vs float16 <= 0.1")
    assert (found.answer, found.value) == (OPEN, None)
    assert found.note == "nothing of float16 was run here (but int8, float32): export that variant beside the bundle"


@pytest.mark.parametrize("text", ["map >= 0.01", "map50 >= 0.99", "map drop vs int8 <= 0.5"])
def test_pictures_without_an_answer_leave_it_open(text: str) -> None:
    found = claim(with_accuracy(failed=2), "accuracy", text)
    assert found.answer is OPEN
    assert found.note == "2 pictures of 110 had no answer: nothing can be said of them"


def test_few_pictures_tell_nothing_of_others() -> None:
    found = claim(with_accuracy(pictures=12), "accuracy", "map >= 0.01")
    assert (found.answer, found.low) == (OPEN, None)
    assert found.note == "12 pictures say nothing of others: 100 are the fewest"


def test_why_there_is_no_energy_is_told() -> None:
    run = steady()
    assert run.latency is not None
    bare = replace(run, latency=replace(run.latency, energy_reason="the board has no source"))
    assert claim(bare, "energy", "< 0.6 J").note == "energy was not measured: the board has no source"
