"""The pytest plugin on real SSH servers: a user's tests push, measure, and want gates to hold."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.boards.ssh_servers import Server, write_config

TESTS = """
def test_it_is_deployed(deployed, board):
    assert deployed(app="plugin").app == "plugin"
    assert board.status().apps["plugin"].current.variant == "int8"

def test_it_is_small(measured):
    run = measured("size < 50 MB", runs=20)
    assert run.latency.runs >= 20

def test_it_is_tiny(measured):
    measured("size < 1 kB", runs=20)
"""


def test_gates_decide_a_users_tests(server: Server, tmp_path: Path, tiny_bundles: dict[str, Path]) -> None:
    write_config(tmp_path, server.profile)
    (tmp_path / "test_detector.py").write_text(TESTS)
    options = ["--edgeproof-board", "desk", "--edgeproof-bundle", str(tiny_bundles["int8"])]
    plugin = ["-p", "edgeproof.pytest_plugin", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", *plugin, *options]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, timeout=280)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2 passed" in done.stdout or "1 failed, 2 passed" in done.stdout
    assert "fail: size < 1 kB: " in done.stdout
