"""`edgeproof demo`, as a newcomer runs it: the real pretrained SSD sees the people on real photos, on every run."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgeproof.board.runtime.releases import RELEASES
from tests.support.report_schema import checked_report

# The people as a person would frame them, in pixels of the 512 x 512 photos: xmin, ymin, xmax, ymax.
PEOPLE = {"astronaut.png": (0, 20, 380, 512), "camera.png": (5, 60, 300, 512)}
NOBODY = ("chelsea.png", "coffee.png")


def iou(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return both / (sum(areas) - both)


def run_demo(out: Path, *python_options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *python_options, "-m", "edgeproof", "demo", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    return done


@pytest.mark.network
@pytest.mark.timeout(900)
def test_the_demo_sees_the_people_in_every_run_and_its_second_call_needs_no_tensorflow(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    first = run_demo(out)
    runtimes = {
        release.name for release in RELEASES if release.pythons[0] <= sys.version_info[:2] <= release.pythons[1]
    }
    check_report(out, {(runtime, variant) for runtime in runtimes for variant in ("float32", "int8")})
    assert str(out / "report.html") in first.stdout.replace("\n", "")
    assert first.stderr == ""
    assert {path.name for path in (out / "board" / "home").iterdir()} == {".edgeproof"}

    second = run_demo(out, "-X", "importtime")
    assert not re.search(r"\|\s+tensorflow$", second.stderr, re.MULTILINE)
    assert "no payload pushed" in second.stdout
    assert "MB pushed" not in second.stdout
    check_report(out, {(runtime, variant) for runtime in runtimes for variant in ("float32", "int8")})


def check_comparison(report: dict[str, Any], runtimes: int) -> None:
    """Two runtimes are compared side by side, with one bundle."""
    assert report["verdict"] in ("pass", "inconclusive", "fail")
    assert len(report.get("comparisons", [])) == (runtimes > 1)
    for comparison in report.get("comparisons", []):
        one, other = (report["runs"][comparison[side]] for side in "ab")
        assert one["board"]["runtime"]["name"] != other["board"]["runtime"]["name"]
        assert one["bundle"]["digest"] == other["bundle"]["digest"]
        assert comparison["pairs"] == 10
        assert comparison["stages"]["total"]["low"] > 0


def check_report(out: Path, expected_runs: set[tuple[str, str]]) -> None:
    report = checked_report(out / "report.json")
    sides = {place for comparison in report.get("comparisons", []) for place in (comparison["a"], comparison["b"])}
    alone = [run for place, run in enumerate(report["runs"]) if place not in sides]
    runs = {(run["board"]["runtime"]["name"], run["bundle"]["variant"]): run for run in alone}
    assert set(runs) == expected_runs
    check_comparison(report, len({runtime for runtime, _ in expected_runs}))
    for run in runs.values():
        pictures = {picture["file_name"]: picture["detections"] for picture in run["pictures"]}
        assert set(pictures) == {*PEOPLE, *NOBODY}
        for name, person in PEOPLE.items():
            (found,) = pictures[name]
            assert found["label"] == "person"
            assert found["score"] >= 0.6
            x, y, width, height = found["bbox"]
            assert iou((x, y, x + width, y + height), person) > 0.7
        assert all(pictures[name] == [] for name in NOBODY)
        assert run["latency"]["stages"]["invoke"]["min_ms"] > 0
        assert run["stream"]["frames_with_detections"] == run["stream"]["frames"] > 0
        results = json.loads((out / run["detections"]["file"]).read_text())
        assert {item["category_id"] for item in results} == {1}
    page = (out / "report.html").read_text()
    assert page.count("data:image/jpeg;base64,") >= 4 * len(runs)
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
