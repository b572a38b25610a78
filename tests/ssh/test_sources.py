"""Sources from the command line, on a board behind a real SSH server: a video, pictures, the board's own files."""

import json
from pathlib import Path

import cv2
import pytest

from edgeproof import Board
from edgeproof.board.deploy import push_bundle
from edgeproof.board.open_board import open_board
from edgeproof.board.provision import provision
from edgeproof.bundle import open_bundle
from edgeproof.errors import UsageError
from edgeproof.record.pictures import Picture
from tests.contract.seeing import png, write_video
from tests.support.boards.ssh_servers import Command, Server
from tests.support.mjpeg_server import MjpegCamera
from tests.support.networks.tiny_ssd import draw_square
from tests.support.report_schema import checked_report


def test_sources_are_detected_on_in_turn_and_recorded_frame_by_frame(
    server: Server, edgeproof: Command, tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    with open_board(server.profile) as board:
        provision(board)
        push_bundle(board, open_bundle(tiny_bundles["int8"]), "tiny-sources")
    write_video(tmp_path / "walk.avi", 20)
    photo = tmp_path / "photo.png"
    photo.write_bytes(png(draw_square("red", 1, 1)))
    out = tmp_path / "out"
    with MjpegCamera(lambda index: draw_square("bright", 3, index % 8)) as camera:
        sources = [photo, tmp_path / "walk.avi", f"board:{photo}", camera.url.replace("//", "//me:s3cret@")]
        words = [word for source in sources for word in ("--source", source)]
        app = ("--app", "tiny-sources", "--out", out)
        done = edgeproof("detect", "desk", *words, "--frames", 12, "--rotate", 90, *app)
    report = checked_report(out / "report.json")
    photos, walk, boards_photo, network = report["runs"]
    assert photos["pictures"][0]["detections"][0]["label"] == "red"
    assert (walk["stream"]["source"], walk["stream"]["frames"]) == (str(tmp_path / "walk.avi"), 12)
    assert boards_photo["stream"]["frames"] == 1
    assert network["stream"]["told"]["live"]
    assert network["stream"]["age"]["runs"] == network["stream"]["frames"] == 12
    assert 0.5 < walk["stream"]["accounted"] <= 1
    lines = [json.loads(line) for line in (out / walk["stream"]["frames_file"]).read_text().splitlines()]
    assert [line["index"] for line in lines] == list(range(12))
    for index, line in enumerate(lines):
        (found,) = [item for item in line["detections"] if item["score"] > 0.6]
        left, top, *_ = found["bbox"]
        assert (round(left / 32), round(top / 32)) == (7, index % 8), "turned: the first row is the last column"
        assert sum(ns for stage, ns in line["stages_ns"].items() if stage != "total") == line["stages_ns"]["total"]
    shown = walk["stream"]["shown"]
    assert len(shown) == 6
    assert cv2.imread(str(out / shown[0]["annotated"])).shape == (256, 256, 3)
    everything = done.stdout + done.stderr + json.dumps(report) + (out / "report.html").read_text()
    assert "s3cret" not in everything


def test_a_source_is_watched_and_recorded_and_no_picture_of_this_machine_is(
    server: Server, edgeproof: Command, tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    with open_board(server.profile) as board:
        provision(board)
        push_bundle(board, open_bundle(tiny_bundles["int8"]), "tiny-sources")
    write_video(tmp_path / "walk.avi", 20)
    app = ("--app", "tiny-sources")
    done = edgeproof("watch", "desk", "--source", tmp_path / "walk.avi", "--web", "--out", tmp_path / "seen", *app)
    assert "page: http://127.0.0.1:" in done.stdout
    assert "20 frames at" in " ".join(done.stdout.split())
    (run,) = checked_report(tmp_path / "seen" / "report.json")["runs"]
    assert run["stream"]["frames"] == run["stream"]["frames_with_detections"] == 20
    assert len((tmp_path / "seen" / "frames.jsonl").read_text().splitlines()) == 20
    refused = edgeproof("watch", "desk", "--source", tmp_path, *app, expect=2)
    assert "edgeproof detect takes them" in " ".join(refused.stderr.split())


def test_what_may_never_end_is_asked_for_an_end_and_cameras_are_listed(server: Server, edgeproof: Command) -> None:
    refused = edgeproof("detect", "desk", "--source", "camera:0", "--out", "out", expect=2)
    assert "camera:0 may never end: say with --frames or --seconds" in " ".join(refused.stderr.split())
    assert json.loads(edgeproof("board", "cameras", "desk", "--json").stdout)["schema"] == "edgeproof.cameras/1"


def test_the_library_streams_a_source_and_hands_each_frame_over_as_it_comes(
    server: Server, tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    write_video(tmp_path / "walk.avi", 20)
    found: list[Picture] = []
    with Board(server.profile) as board:
        board.provision()
        run = board.stream(tmp_path / "walk.avi", found.append, frames=12, bundle=tiny_bundles["int8"], min_score=0.6)
        assert run.stream is not None
        assert (run.stream.frames, run.stream.frames_file) == (12, None)
        recorded = board.stream(tmp_path / "walk.avi", bundle=tiny_bundles["int8"], out=tmp_path / "out")
        assert recorded.stream is not None
        assert len((tmp_path / "out" / "frames.jsonl").read_text().splitlines()) == recorded.stream.frames == 20
        with pytest.raises(UsageError, match="may never end"):
            board.stream("camera:0")
        with pytest.raises(UsageError, match="Board.detect takes them"):
            board.stream(tmp_path)
    for index, picture in enumerate(found):
        (item,) = picture.detections
        assert round(item.box.to_list()[0] / 32) == index % 8
    assert len(found) == 12
