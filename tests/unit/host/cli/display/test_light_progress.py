"""Where nothing is drawn, notes and warnings are lines of their own, and what draws is not imported."""

import os
import pty
import subprocess
import sys

_PROGRAM = """
import sys
from edgeproof.cli.display.light_progress import light_progress
from edgeproof.wording.progress import Progress, ProgressKind
with light_progress() as listen:
    listen(Progress("a step", done=1, total=3))
    listen(Progress("a note", ProgressKind.NOTE))
    listen(Progress("a warn\\x1b[2Jing", ProgressKind.WARNING))
sys.stderr.write(str("rich" in sys.modules))
"""


def test_notes_are_lines_and_nothing_that_draws_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["a note", "warning: a warn\ufffd[2Jing"]
    assert done.stderr == "False"


def test_on_a_terminal_it_is_drawn() -> None:
    controller, terminal = pty.openpty()
    done = subprocess.run([sys.executable, "-c", _PROGRAM], stdout=terminal, stderr=subprocess.PIPE, text=True)
    os.close(terminal)
    shown = os.read(controller, 1 << 16).decode()
    os.close(controller)
    assert done.stderr == "True"
    assert "a step" in shown
    assert "a note" in shown
