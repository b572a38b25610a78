"""`edgeproof check` on boards behind real SSH servers: three verdicts by changing a gate, parity, one report."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import edgeproof as library
from edgeproof_agent.store.objects import STORE_FOLDER
from tests.support.boards.ssh_servers import Command, Server
from tests.support.report_schema import checked_report


@pytest.fixture(autouse=True)
def provisioned(edgeproof: Command) -> None:
    edgeproof("provision", "desk")


def check(
    edgeproof: Command, tmp_path: Path, bundle: Path, gate: str, code: int, *more: object
) -> "subprocess.CompletedProcess[str]":
    return edgeproof("check", "desk", "--bundle", bundle, "--gate", gate, "--out", tmp_path / "out", *more, expect=code)


def served(edgeproof: Command) -> dict[str, str | None]:
    """App to the digest of its bundle."""
    apps = json.loads(edgeproof("status", "desk", "--json").stdout)["apps"]
    return {app: state["current"] and state["current"]["digest"] for app, state in apps.items()}


@pytest.mark.parametrize(
    ("gate", "verdict", "code"),
    [
        ("size < 1 MB", "PASS", 0),
        ("size < 1 kB", "FAIL", 1),
        ("energy < 1 J", "INCONCLUSIVE", 3),
    ],
)
def test_a_gate_decides_the_verdict_and_the_exit_status(
    edgeproof: Command, tmp_path: Path, tiny_bundles: dict[str, Path], gate: str, verdict: str, code: int
) -> None:
    done = check(edgeproof, tmp_path, tiny_bundles["int8"], gate, code, "--runs", 5)
    assert done.stdout.startswith(f"1 of 1: int8 on desk\nverdict: {verdict}\n")
    document = checked_report(tmp_path / "out" / "report.json")
    assert document["verdict"] == verdict.lower()
    assert (tmp_path / "out" / "report.html").is_file()
    assert not (tmp_path / "out" / "cells").exists()


def test_latency_is_measured_after_a_warm_up_with_the_boards_state_around_it(
    edgeproof: Command, tmp_path: Path, tiny_bundles: dict[str, Path]
) -> None:
    check(edgeproof, tmp_path, tiny_bundles["int8"], "energy < 1 J", 3, "--runs", 64)
    (run,) = checked_report(tmp_path / "out" / "report.json")["runs"]
    assert run["latency"]["runs"] == 64
    assert run["latency"]["warmup_runs"] >= 5 + 2 * 10
    assert {"before", "after"} == set(run["latency"]["state"])


def test_a_board_is_held_against_this_machine_and_no_app_is_switched(
    edgeproof: Command, tmp_path: Path, tiny_bundles: dict[str, Path], tiny_pictures: Path
) -> None:
    before = served(edgeproof)
    gate = "parity differing <= 30 %"
    done = check(edgeproof, tmp_path, tiny_bundles["float32"], gate, 0, "--images", tiny_pictures, "--runs", 5)
    assert "the same on 12 pictures" in " ".join(done.stdout.split())
    (run,) = checked_report(tmp_path / "out" / "report.json")["runs"]
    assert {picture["parts_at"] for picture in run["parity"]["pictures"]} == {None}
    assert sum(picture["same"] for picture in run["parity"]["pictures"]) == 12
    assert served(edgeproof) == before


def test_the_matrix_of_edgeproof_toml_is_measured_and_named(
    edgeproof: Command, tmp_path: Path, tiny_bundles: dict[str, Path]
) -> None:
    config = tmp_path / "edgeproof.toml"
    bundles = [str(tiny_bundles[variant]) for variant in ("float32", "int8")]
    config.write_text(
        config.read_text() + f"[check]\nbundles = {json.dumps(bundles)}\nboards = ['desk']\nthreads = [1]\nruns = 5\n"
        "[check.gates]\nsize = '< 1 MB'\n"
    )
    document = json.loads(edgeproof("check", "--json", "--out", tmp_path / "out").stdout)
    assert [(run["bundle"]["variant"], run["latency"]["threads"]) for run in document["runs"]] == [
        ("float32", 1),
        ("int8", 1),
    ]
    assert document["verdict"] == "pass"
    only = edgeproof("check", "--only", "int8", "--out", tmp_path / "out")
    assert "1 of 1: int8 on desk, 1 thread" in only.stdout


def test_a_board_that_is_not_there_is_an_error_and_the_others_are_measured(
    edgeproof: Command, tmp_path: Path, tiny_bundles: dict[str, Path]
) -> None:
    config = tmp_path / "edgeproof.toml"
    config.write_text(config.read_text() + "[boards.gone]\nhost = '127.0.0.1'\nport = 1\n")
    arguments = ("--bundle", tiny_bundles["int8"], "--gate", "size < 1 MB", "--runs", 5, "--out", tmp_path / "out")
    done = edgeproof("check", "gone", "desk", *arguments, expect=2)
    assert done.stdout.count("not measured: int8 on gone: ") == 1
    document = checked_report(tmp_path / "out" / "report.json")
    assert document["verdict"] == "inconclusive", "what stands in the report is read without the exit status"
    assert [words.partition(": ")[0] for words in document["not_measured"]] == ["int8 on gone"]
    assert 'name="run (int8 on gone)"' in (tmp_path / "out" / "junit.xml").read_text()
    assert len(checked_report(tmp_path / "out" / "report.json")["runs"]) == 1
    assert (tmp_path / "out" / "cells").is_dir()


def test_two_bundles_are_compared_in_turns(edgeproof: Command, tmp_path: Path, tiny_bundles: dict[str, Path]) -> None:
    sides = [str(tiny_bundles["float32"]), str(tiny_bundles["int8"])]
    done = edgeproof("bench", "desk", *sides, "--pairs", 10, "--out", tmp_path / "out")
    assert done.stdout.startswith("A: tiny float32")
    assert "10 pairs of blocks of" in done.stdout
    document = checked_report(tmp_path / "out" / "report.json")
    assert [run["bundle"]["variant"] for run in document["runs"]] == ["float32", "int8"]
    (comparison,) = document["comparisons"]
    assert {run["latency"]["runs"] for run in document["runs"]} == {10 * comparison["block_runs"]}
    assert comparison["stages"]["total"]["low"] <= comparison["stages"]["total"]["ratio"]


@pytest.mark.parametrize("wrong", [("one",), ("one", "two", "--bundle", "three")])
def test_what_cannot_be_compared_is_refused(edgeproof: Command, wrong: tuple[str, ...]) -> None:
    assert "a comparison takes" in edgeproof("bench", "desk", *wrong, expect=2).stderr


def test_parity_of_a_board_is_told_in_a_line(
    edgeproof: Command, tmp_path: Path, tiny_bundles: dict[str, Path], tiny_pictures: Path
) -> None:
    arguments = ("--bundle", tiny_bundles["int8"], "--out", tmp_path / "out")
    done = edgeproof("parity", "desk", tiny_pictures, *arguments)
    assert "12 of 12 confident detections the same on 12 pictures, at most 22 % differ (95 %)" in done.stdout
    (run,) = checked_report(tmp_path / "out" / "report.json")["runs"]
    assert len(run["parity"]["pictures"]) == 12
    conversion, quantization, kernels = run["parity"]["chain"]
    assert "keeps no results of its source" in conversion["missing"]
    assert quantization["same"] + quantization["differing"] >= 12, "of float32 on this machine, which lies beside"
    assert (kernels["same"], kernels["differing"], kernels["same_pictures"]) == (12, 0, 12)


def test_a_signed_check_is_verified_and_one_with_a_changed_sample_is_refused(
    edgeproof: Command, tmp_path: Path, tiny_bundles: dict[str, Path]
) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    check(edgeproof, tmp_path, tiny_bundles["int8"], "size < 1 MB", 0, "--runs", 64, "--sign", tmp_path / "key")
    out = tmp_path / "out"
    listed = json.loads((out / "report.json").read_text())["outputs"]
    assert {"junit.xml", "summary.md", "report.json.sig"} <= set(listed)
    done = edgeproof("verify", out, "--signer", tmp_path / "key.pub", "--bundle", tiny_bundles["int8"])
    assert "edgeproof-proof v1 verdict=pass board=desk" in done.stdout
    samples = out / "samples" / "0.i64"
    samples.write_bytes(samples.read_bytes()[:-8] + bytes(8))
    assert "its samples are not those" in edgeproof("verify", out, expect=2).stderr


def test_the_library_gives_the_answers_as_claims(server: Server, tiny_bundles: dict[str, Path]) -> None:
    board = library.Board(server.profile)
    board.provision()
    run = board.check(tiny_bundles["int8"], ["size < 1 MB", "size < 1 kB"], runs=5)
    assert [claim.answer.value for claim in run.claims] == ["pass", "fail"]
    with pytest.raises(library.UsageError, match="Did you mean size"):
        board.check(tiny_bundles["int8"], ["siz < 1 MB"])


def test_a_run_beside_a_busy_process_does_not_pass(
    edgeproof: Command, tmp_path: Path, tiny_bundles: dict[str, Path]
) -> None:
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        check(edgeproof, tmp_path, tiny_bundles["int8"], "total p50 < 100 s", 3, "--runs", 3000)
    finally:
        busy.kill()
        busy.wait()
    (run,) = checked_report(tmp_path / "out" / "report.json")["runs"]
    (gate,) = run["gates"]
    assert gate["answer"] == "inconclusive"
    assert "the measurement is void" in gate["note"]
    assert "other processes took" in gate["note"]


def test_a_board_that_somebody_measures_on_is_refused_with_who_and_until_when(
    edgeproof: Command, server: Server, tmp_path: Path, tiny_bundles: dict[str, Path]
) -> None:
    """Two measurements at once would disturb each other: the second is told, and what it wanted is not measured."""
    words = ["bench", "desk", "--bundle", str(tiny_bundles["int8"]), "--runs", "1000000"]
    first = subprocess.Popen([sys.executable, "-m", "edgeproof", *words], cwd=tmp_path, stdout=subprocess.DEVNULL)
    lease = server.home / STORE_FOLDER / "measuring.lock"
    try:
        deadline = time.monotonic() + 60
        while not (lease.exists() and lease.read_text()):
            assert first.poll() is None
            assert time.monotonic() < deadline, "it does not measure"
            time.sleep(0.05)
        done = check(edgeproof, tmp_path, tiny_bundles["int8"], "total p50 < 100 s", 2, "--runs", 5)
    finally:
        first.send_signal(signal.SIGINT)
        first.wait(60)
    told = " ".join(done.stdout.split())
    assert "measures on this board (bench" in told
    assert "--wait SECONDS" in told
    document = checked_report(tmp_path / "out" / "report.json")
    assert document["runs"] == []
    assert len(document["not_measured"]) == 1


def test_a_first_check_is_written_from_what_is_there_and_can_be_run(
    edgeproof: Command, tmp_path: Path, tiny_bundles: dict[str, Path]
) -> None:
    (tmp_path / "bundles").mkdir()
    (tmp_path / "bundles" / "int8").symlink_to(tiny_bundles["int8"])
    assert "wrote [check] into" in edgeproof("check", "--init").stdout
    text = (tmp_path / "edgeproof.toml").read_text()
    assert 'boards = ["desk"]' in text
    assert 'bundles = ["bundles/int8"]' in text
    assert "has a [check] already" in edgeproof("check", "--init", expect=2).stderr
    done = edgeproof("check", "--gate", "size < 1 MB", "--runs", 5)
    assert done.stdout.startswith("1 of 1: int8 on desk\nverdict: PASS\n")
    assert (tmp_path / "build" / "check" / "report.json").is_file()


@pytest.mark.timeout(600)
def test_a_model_is_exported_when_it_is_missing_or_stale_and_only_then(
    edgeproof: Command, tmp_path: Path, tiny_frozen_graph: Path
) -> None:
    path = tmp_path / "edgeproof.toml"
    boards = path.read_text()

    def checked(options: str) -> str:
        table = f"[check]\nmodel = '{tiny_frozen_graph}'\nboards = ['desk']\nruns = 5\n[check.export]\n{options}"
        path.write_text(f"{boards}{table}[check.gates]\nsize = '< 1 MB'\n")
        return edgeproof("check", "--out", tmp_path / "out").stdout

    labels = f"labels = '{tiny_frozen_graph.parent / 'labels.txt'}'\n"
    first = checked(labels)
    assert "float32: up to date" not in first
    assert "verdict: PASS" in first
    made = (tmp_path / "bundles" / "float32" / "bundle.json").read_bytes()
    assert "float32: up to date" in checked(labels)
    assert (tmp_path / "bundles" / "float32" / "bundle.json").read_bytes() == made
    assert "float32: exported again, since its options changed" in checked(f"{labels}max_detections = 7\n")
    assert (
        json.loads((tmp_path / "bundles" / "float32" / "bundle.json").read_text())["provenance"]["settings"][
            "postprocess"
        ]["max_detections"]
        == 7
    )
