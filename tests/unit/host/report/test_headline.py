"""The sentence at the head of a report: what its record holds, and nothing else."""

from dataclasses import replace

from edgeproof.record.run import Report
from edgeproof.record.verdict.claims import Answer
from edgeproof.record.verdict.comparison import StageRatio
from edgeproof.report.headline import headline
from tests.support import sample_report as sample

FAST, SLOW = sample.run(invoke_ms=4.0), sample.run("float32", invoke_ms=40.0)
QUIET = replace(sample.comparison(), a=1, b=2, void=())


def test_the_fastest_run_that_no_gate_fails_is_told() -> None:
    assert headline(Report((SLOW, FAST))) == "int8 on tflite-runtime: 11.8 ms"
    failing = replace(FAST, claims=(replace(sample.claims()[0], answer=Answer.FAIL),))
    assert headline(Report((SLOW, failing))) == "float32 on tflite-runtime: 48.8 ms"
    assert headline(Report((replace(FAST, error="it died"), SLOW))) == "float32 on tflite-runtime: 48.8 ms"


def test_what_is_the_same_is_told_with_what_it_is_the_same_as() -> None:
    said = headline(Report((replace(FAST, parity=sample.parity()),)))
    assert said == (
        "int8 on tflite-runtime: 11.8 ms; the same detections as float32 on 1 of 3 pictures; "
        "the same detections as this machine on 1 of 3 pictures"
    )


def test_float32_is_left_out_where_nothing_tells_of_it() -> None:
    parity = replace(sample.parity(), chain=())
    assert "float32" not in (headline(Report((replace(FAST, parity=parity),))) or "")


def test_only_what_was_measured_in_turns_is_called_faster() -> None:
    other = replace(FAST, runtime=sample.RUNTIMES[1])
    assert "times" not in (headline(Report((FAST, SLOW))) or "")
    runs = (FAST, other, FAST)
    assert (headline(Report(runs, comparisons=(QUIET,))) or "").endswith("; 2 times as fast as ai-edge-litert")
    slower = replace(QUIET, stages={"total": StageRatio(2.0, 1.9, 2.1, 3.0)})
    assert "times" not in (headline(Report(runs, comparisons=(slower,))) or ""), "it is the other that is faster"
    void = replace(QUIET, void=("throttled",))
    assert "times" not in (headline(Report(runs, comparisons=(void,))) or "")
    untold = replace(QUIET, stages={"total": StageRatio(0.9, 0.7, 1.1, -1.0)})
    assert "times" not in (headline(Report(runs, comparisons=(untold,))) or "")


def test_an_emulated_board_is_said_to_be_one_and_nothing_measured_is_no_sentence() -> None:
    emulated = replace(FAST, board=sample.board(emulated=True))
    assert headline(Report((emulated,))) == "int8 on tflite-runtime: 11.8 ms on an emulated board"
    assert headline(Report((replace(FAST, latency=None),))) is None


def test_a_latency_of_a_disturbed_board_is_said_to_be_void() -> None:
    assert FAST.latency is not None
    busy = replace(sample.state(58.9, own_cpu_seconds=20.0), busy_cpu_seconds=5000.0)
    disturbed = replace(FAST, latency=replace(FAST.latency, after=busy))
    assert headline(Report((disturbed,))) == "int8 on tflite-runtime: 11.8 ms by a measurement that is void"
