"""Provision, push, switch and detect on a board behind a real SSH server."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import jsonschema
import numpy as np
import pytest

from edgeproof.board.agent.loading import LoadedBundle, LoadingAgent
from edgeproof.board.deploy import choose_runtime, open_session, push_bundle, roll_back, send_bundle, start_agent
from edgeproof.board.open_board import OpenBoard, open_board
from edgeproof.board.provision import provision
from edgeproof.board.ssh.transport import connect
from edgeproof.board.store.agent_object import agent_object
from edgeproof.board.store.client import open_store
from edgeproof.bundle import Bundle, open_bundle
from edgeproof.errors import AgentDiedError, BoardPythonError, DeploymentError, NoRuntimeError
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.detections import BenchResult
from edgeproof.report.drawing.detections import write_annotated
from edgeproof.runs.pictures import find_pictures
from edgeproof.runs.plan import BenchPlan, RunPlan
from edgeproof.runs.run import execute
from edgeproof.wording.progress import Progress
from edgeproof_agent.store.objects import Kind
from tests.support.boards.ssh_servers import Command, Server
from tests.support.networks.tiny_ssd import draw_dark, draw_square, square_box
from tests.support.processes import is_gone
from tests.support.report_schema import SCHEMA, checked_report
from tests.support.whole_bundles import served_digest


@pytest.fixture
def board(server: Server) -> Iterator[OpenBoard]:
    with open_board(server.profile) as opened:
        provision(opened)
        yield opened


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    cv2.imwrite(str(folder / "bright.png"), draw_square("bright", 2, 5))
    cv2.imwrite(str(folder / "dark.jpg"), draw_dark())
    cv2.imwrite(str(folder / "red.png"), draw_square("red", 6, 1))
    return folder


def test_a_bare_board_is_provisioned_and_a_second_time_nothing_travels(bare_server: Server) -> None:
    with open_board(bare_server.profile) as board:
        assert board.store.inventory.runtimes == ()
        with pytest.raises(NoRuntimeError, match=r"has no runtime of this version.*Run: edgeproof provision"):
            open_session(board)
        (first,) = provision(board)
        assert first.payload_bytes > 10_000_000
    with open_board(bare_server.profile) as board:
        (second,) = provision(board)
        assert second.payload_bytes == 0
        assert second.digest == first.digest
        with open_session(board) as session:
            assert session.runtime.name == first.name
    store = bare_server.home / ".edgeproof"
    assert list((store / "incoming").iterdir()) == []
    assert not list((store / "runtimes" / first.digest).glob("wheels*")), "wheels stay on the board"
    assert {path.name for path in bare_server.home.iterdir()} == {".edgeproof"}


def test_a_push_switches_the_app_and_the_same_content_sends_no_payload(
    board: OpenBoard, tiny_bundles: dict[str, Path]
) -> None:
    app = "tiny-switch"
    link = Path(board.store.root) / "apps" / app / "current"
    bundles = {variant: open_bundle(path) for variant, path in tiny_bundles.items()}
    first = push_bundle(board, bundles["float32"], app)
    assert os.readlink(link).endswith(bundles["float32"].digest)
    board.store.refresh()
    again = push_bundle(board, bundles["float32"], app)
    assert not again.changed
    assert again.sent.payload_bytes == 0
    second = push_bundle(board, bundles["int8"], app)
    assert second.before == first.sent.digest
    board.store.refresh()
    assert board.store.inventory.apps[app].current == bundles["int8"].digest
    assert board.store.inventory.apps[app].previous == bundles["float32"].digest
    stored = Path(board.store.path(Kind.BUNDLE, bundles["int8"].digest))
    assert {path.name for path in stored.iterdir()} == {"bundle.json", "model.tflite", "labels.txt"}
    assert (stored / "model.tflite").read_bytes() == bundles["int8"].model_path.read_bytes()


def test_a_bundle_that_does_not_run_leaves_the_app_as_it_was(
    board: OpenBoard, tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    from edgeproof.bundle import write_bundle

    good = open_bundle(tiny_bundles["float32"])
    app = "tiny-health"
    push_bundle(board, good, app)
    broken = write_bundle(tmp_path / "broken", good.manifest, good.model_path.read_bytes()[:6000], good.labels())
    with pytest.raises(DeploymentError, match=rf"does not run on .*, so {app} stays as it was"):
        push_bundle(board, broken, app)
    board.store.refresh()
    assert board.store.inventory.apps[app].current == good.digest


def test_what_is_damaged_on_the_board_is_replaced_by_the_next_push(
    server: Server, board: OpenBoard, tiny_bundles: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    load = LoadingAgent.load

    def noted_load(agent: LoadingAgent, path: str, *arguments: Any, **options: Any) -> LoadedBundle:
        loaded.append(Path(path).name)
        return load(agent, path, *arguments, **options)

    monkeypatch.setattr(LoadingAgent, "load", noted_load)
    app = "tiny-damaged"
    good, other = open_bundle(tiny_bundles["float32"]), open_bundle(tiny_bundles["int8"])
    agent = agent_object().digest
    push_bundle(board, good, app)
    stored = Path(board.store.path(Kind.BUNDLE, good.digest))

    def push_again(bundle: Bundle = good) -> None:
        loaded.clear()
        with open_board(server.profile) as opened:
            push_bundle(opened, bundle, app)
        assert (stored / "model.tflite").read_bytes() == good.model_path.read_bytes()

    (stored / "model.tflite").unlink()  # of what is served
    push_again()
    assert loaded == [good.digest], "what is sent again has to run again"
    Path(board.store.path(Kind.AGENT, agent), "edgeproof_agent", "__main__.py").write_bytes(b"")
    push_again()
    push_again(other)
    content = bytearray(good.model_path.read_bytes())
    content[len(content) // 2] ^= 1
    (stored / "model.tflite").write_bytes(content)  # of what is not served, with its size as it was
    with open_board(server.profile) as opened, pytest.raises(DeploymentError, match="has changed on .* since it was"):
        roll_back(opened, app)
    push_again()
    assert loaded == [good.digest]
    assert served_digest(Path(board.store.root).parent, app) == good.digest


def test_a_run_holds_detections_latency_and_annotated_pictures(
    board: OpenBoard, tiny_bundles: dict[str, Path], pictures: Path, tmp_path: Path
) -> None:
    sent = send_bundle(board.store, open_bundle(tiny_bundles["int8"]))
    (pictures / "broken.jpg").write_bytes(b"\xff\xd8\xff not a jpeg")
    out = tmp_path / "out"
    bench = BenchPlan((pictures / "bright.png").read_bytes(), runs=12, warmup_runs=2)
    events: list[Progress] = []
    run = execute(
        board,
        start_agent(board, choose_runtime(board)),
        sent.digest,
        RunPlan(
            OutputFolder.open(out),
            find_pictures([pictures]),
            bench,
            draw=write_annotated,
        ),
        progress=events.append,
    )
    assert run.error is None
    found = {picture.name: picture for picture in run.pictures}
    assert [item.label for item in found["bright.png"].detections] == ["bright"]
    assert [item.label for item in found["red.png"].detections] == ["red"]
    assert found["dark.jpg"].detections == ()
    assert "not a picture" in str(found["broken.jpg"].error)
    assert run.latency is not None
    assert run.latency.runs == 12
    results = json.loads((out / "detections.json").read_text())
    best = max((item for item in results if item["file_name"] == "bright.png"), key=lambda item: item["score"])
    ymin, xmin, ymax, xmax = (value * 256 for value in square_box(2, 5))
    np.testing.assert_allclose(best["bbox"], [xmin, ymin, xmax - xmin, ymax - ymin], atol=8)
    assert {path.name for path in (out / "annotated").iterdir()} == {"bright.png.jpg", "dark.jpg.jpg", "red.png.jpg"}
    assert any(event.total == 4 and event.done == 4 for event in events)


def test_an_agent_killed_on_the_way_leaves_what_had_arrived(
    board: OpenBoard, tiny_bundles: dict[str, Path], pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeproof.board.agent.session import AgentSession

    sent = send_bundle(board.store, open_bundle(tiny_bundles["int8"]))
    bench = AgentSession.bench

    def killed_bench(self: AgentSession, *arguments: Any, **options: Any) -> BenchResult:
        os.kill(self.pid, signal.SIGKILL)
        assert is_gone(self.pid)
        return bench(self, *arguments, **options)

    monkeypatch.setattr(AgentSession, "bench", killed_bench)
    plan = RunPlan(
        OutputFolder.open(tmp_path / "out"),
        find_pictures([pictures]),
        bench=BenchPlan((pictures / "red.png").read_bytes(), 10),
    )
    run = execute(board, start_agent(board, choose_runtime(board)), sent.digest, plan)
    assert run.error is not None
    assert "killed by signal 9 (SIGKILL)" in run.error
    assert len(run.pictures) == 3
    assert (tmp_path / "out" / "detections.json").is_file()
    with open_session(board) as session:  # the connection still serves
        assert session.state().load_1min is not None


def test_a_connection_that_breaks_is_told(server: Server) -> None:
    with connect(server.profile) as transport:
        store = open_store(transport, server.profile.python)
        transport._transport.sock.shutdown(2)
        with pytest.raises(AgentDiedError, match="the connection broke"):
            store.refresh()


def test_a_board_without_python_is_told_what_it_needs(server: Server) -> None:
    with connect(server.profile) as transport, pytest.raises(BoardPythonError) as refused:
        open_store(transport, "/usr/bin/no-python3")
    assert "the board needs Python 3.9 or newer" in str(refused.value)
    assert "sudo apt install python3" in str(refused.value)


def test_the_command_line_pushes_detects_and_measures(
    server: Server, edgeproof: Command, board: OpenBoard, tiny_bundles: dict[str, Path], pictures: Path, tmp_path: Path
) -> None:
    assert "is ready on desk (was there, nothing sent)" in edgeproof("provision", "desk").stdout
    pushed = edgeproof("push", "desk", tiny_bundles["int8"], "--app", "tiny-cli").stdout
    assert "tiny-cli on desk serves" in pushed
    assert (
        "nothing sent, the board had it" in edgeproof("push", "desk", tiny_bundles["int8"], "--app", "tiny-cli").stdout
    )
    done = edgeproof("detect", "desk", pictures, "--app", "tiny-cli", "--out", tmp_path / "out")
    assert "bright" in done.stdout
    report = checked_report(tmp_path / "out" / "report.json")
    assert report["command"][:2] == ["edgeproof", "detect"]
    assert report["runs"][0]["pictures"][0]["annotated"] == "annotated/bright.png.jpg"
    assert report["runs"][0]["detections"] == {"images": 3, "file": "detections.json", "listed_from_score": 0.5}
    assert "verdict" not in report
    page = (tmp_path / "out" / "report.html").read_text()
    assert "data:image/jpeg;base64," in page
    bench = edgeproof("bench", "desk", "--app", "tiny-cli", "--runs", 20, "--out", tmp_path / "bench").stdout
    assert "invoke" in bench
    measured = checked_report(tmp_path / "bench" / "report.json")["runs"][0]["latency"]
    assert measured["runs"] == 20
    assert measured["stages"]["invoke"]["p50_ms"] > 0
    assert measured["stages"]["invoke"]["p99_ms"] is None
    printed = edgeproof("report", tmp_path / "bench").stdout
    assert bench.partition("\nreport: ")[0] in printed
    for command in (("bench", "desk", "--runs", 5), ("detect", "desk", pictures, "--out", tmp_path / "json")):
        document = json.loads(edgeproof(*command, "--app", "tiny-cli", "--json").stdout)
        jsonschema.validate(document, SCHEMA)
    assert json.loads(edgeproof("status", "desk", "--json").stdout)["schema"] == "edgeproof.status/1"
    shown = edgeproof("board", "doctor", "desk").stdout
    assert "app tiny-cli" in shown


def test_the_command_line_ends_with_2_and_says_why(
    edgeproof: Command, board: OpenBoard, tiny_bundles: dict[str, Path], pictures: Path, tmp_path: Path
) -> None:
    edgeproof("push", "desk", tiny_bundles["int8"], "--app", "tiny-cli")
    out = tmp_path / "out"
    (tmp_path / "empty").mkdir()
    empty = edgeproof("detect", "desk", tmp_path / "empty", "--out", out, expect=2)
    assert f"{tmp_path}/empty: the folder holds no picture" in empty.stderr
    missing = edgeproof("detect", "desk", tmp_path / "nowhere.jpg", "--out", out, expect=2)
    assert "there is no such file or folder" in missing.stderr
    unknown = edgeproof("detect", "other", pictures, "--out", out, expect=2)
    assert "no board is called 'other'" in unknown.stderr
    no_app = edgeproof("detect", "desk", pictures, "--app", "nobody", "--out", out, expect=2)
    assert "desk has no app nobody: it has" in no_app.stderr
    no_bundle = edgeproof("push", "desk", tmp_path / "empty", expect=2)
    assert "it is no bundle" in no_bundle.stderr
    (pictures / "broken.png").write_bytes(b"garbage")
    broken = edgeproof("detect", "desk", pictures, "--app", "tiny-cli", "--out", out, expect=2)
    assert "1 of 4 pictures failed:" in broken.stderr
    assert "broken.png: it is broken or not a picture" in broken.stderr
    assert len(json.loads((out / "report.json").read_text())["runs"][0]["pictures"]) == 4
    for done in (empty, missing, unknown, no_app, no_bundle, broken):
        assert "Traceback" not in done.stderr


def test_what_cannot_work_is_said_before_anything_is_sent(
    server: Server, edgeproof: Command, tiny_bundles: dict[str, Path], pictures: Path, tmp_path: Path
) -> None:
    (tmp_path / "afile").write_text("")
    unwritable = edgeproof("detect", "desk", pictures, "--out", tmp_path / "afile" / "out", expect=2)
    assert (
        f"{tmp_path}/afile/out: a file is where a folder would have to be. Choose another --out." in unwritable.stderr
    )
    bad_app = edgeproof("push", "desk", tiny_bundles["int8"], "--app", "../evil", expect=2)
    assert "'../evil' is not a name for an app" in bad_app.stderr
    several = edgeproof("push", "desk", tiny_bundles["int8"].parent, expect=2)
    assert "bundles. Name one: " in several.stderr
    empty = edgeproof("detect", "desk", "", "--out", tmp_path / "out", expect=2)
    assert "a path cannot be empty" in empty.stderr
    threads = edgeproof(
        "bench", "desk", "--bundle", tiny_bundles["int8"], "--threads", 64, "--out", tmp_path / "out", expect=2
    )
    assert "64 threads cannot run at once: of the board's" in threads.stderr


def test_odd_and_repeated_file_names_are_detected_on_once(
    server: Server, edgeproof: Command, board: OpenBoard, tiny_bundles: dict[str, Path], pictures: Path, tmp_path: Path
) -> None:
    bright = (pictures / "bright.png").read_bytes()
    for name in (b"lat\xe9n.png", b"[red] a\nb.png", "ünï <b>.png".encode()):
        Path(os.fsdecode(os.path.join(os.fsencode(pictures), name))).write_bytes(bright)
    (pictures / "below").mkdir()
    (pictures / "below" / "red.png").write_bytes((pictures / "red.png").read_bytes())
    arguments = ["detect", "desk", pictures, pictures / "bright.png", "--bundle", tiny_bundles["int8"]]
    for _ in range(2):  # the second run leaves out what the first has drawn
        edgeproof(*arguments, "--out", pictures / "out")
        report = json.loads((pictures / "out" / "report.json").read_text())
        names = [picture["file_name"] for picture in report["runs"][0]["pictures"]]
        assert len(names) == len(set(names)) == 7
        assert "lat\\udce9n.png" in names
        results = json.loads((pictures / "out" / "detections.json").read_text())
        assert len({item["image_id"] for item in results}) <= 7
