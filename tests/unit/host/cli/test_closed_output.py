"""A reader that ends early, as `| head` does, is no verdict and no complaint."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgeproof.record.writer import write_report
from tests.support import sample_report as sample


def run_closed(arguments: list[str], closed: str) -> tuple[int, str]:
    """Exit status and what the other stream got, of a command whose `closed` stream nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, closed: writer}
    with subprocess.Popen([sys.executable, "-m", "edgeproof", *arguments], **streams) as process:  # type: ignore[call-overload]
        os.close(writer)
        out, err = process.communicate(timeout=60)
    return process.returncode, (out or err or b"").decode()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["export", "--help"],
        ["board", "list"],
        ["inspect", "MODEL"],
        ["inspect", "MODEL", "--json"],
    ],
)
def test_nobody_reads_the_output(arguments: list[str], tiny_bundles: dict[str, Path]) -> None:
    arguments = [str(tiny_bundles["int8"]) if word == "MODEL" else word for word in arguments]
    assert run_closed(arguments, "stdout") == (141, "")


def test_nobody_reads_the_errors() -> None:
    assert run_closed(["inspect", "nowhere"], "stderr") == (2, "")


def test_what_a_command_writes_is_written_though_nobody_reads_what_it_prints(tmp_path: Path) -> None:
    write_report(sample.report(tmp_path), tmp_path / "report.json")
    page = tmp_path / "page.html"
    status, _ = run_closed(["report", str(tmp_path / "report.json"), "--html", str(page)], "stdout")
    assert status == 141
    assert page.read_text().startswith("<!doctype html>")
