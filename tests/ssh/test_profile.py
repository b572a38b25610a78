"""`edgeproof profile` on a board behind a real SSH server: variants beside each other, kept, shown again."""

from pathlib import Path

from edgeproof.board.open_board import open_board
from edgeproof.board.provision import provision
from tests.support.boards.ssh_servers import Command, Server
from tests.support.report_schema import checked_report


def test_variants_are_profiled_kept_and_shown_again(
    server: Server, edgeproof: Command, tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    with open_board(server.profile) as board:
        provision(board, ["ai-edge-litert", "tflite-runtime"])
    paths = [tiny_bundles["int8"], tiny_bundles["float32"]]
    out = tmp_path / "out"
    options = ("--runtime", "ai-edge-litert", "--runs", "5", "--out", out)
    done = edgeproof("profile", "desk", *paths, *options)
    assert "TFLite_Detection_PostProcess *" in done.stdout
    assert "Layer by layer, median us" in done.stdout
    document = checked_report(out / "report.json")
    profiles = [run["profile"] for run in document["runs"]]
    assert [profile["runs"] for profile in profiles] == [5, 5]
    assert all(0 < sum(time["share"] for time in profile["operators"]) <= 1 + 1e-9 for profile in profiles)
    shown = edgeproof("report", out)
    assert "Layer by layer, median us" in shown.stdout
    assert "Outside the delegate ran" in shown.stdout
    assert "<h2>Operators</h2>" in (out / "report.html").read_text()


def test_a_runtime_that_cannot_tell_is_an_error_with_its_reason(
    server: Server, edgeproof: Command, tiny_bundles: dict[str, Path]
) -> None:
    with open_board(server.profile) as board:
        provision(board, ["tflite-runtime"])
    refused = edgeproof("profile", "desk", tiny_bundles["int8"], "--runtime", "tflite-runtime", expect=2)
    assert "no profile is available: tflite-runtime tells no operator's time" in refused.stderr
