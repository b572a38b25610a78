"""A board whose power is cut while its store changes serves what it promised, and takes the next push."""

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.virtual_board.recipe import SUITES
from edgeproof.bundle import open_bundle
from tests.power.cutting import TURNS, PoweredBoard
from tests.support.boards.emulated import require_emulator


@pytest.fixture(scope="module")
def powered(
    tiny_bundles: dict[str, Path],
    tiny_pictures: Path,
    tmp_path_factory: pytest.TempPathFactory,
    power_suite: str,
) -> Iterator[PoweredBoard]:
    suite = SUITES[power_suite]
    require_emulator(suite)
    seed = random.SystemRandom().randrange(2**32)
    sys.stdout.write(f"seed {seed}\n")
    picture = min(path for path in tiny_pictures.iterdir() if path.suffix in (".png", ".jpg"))
    folder = tmp_path_factory.mktemp("power")
    with PoweredBoard(suite, folder, open_bundle(tiny_bundles["int8"]), picture, seed) as board:
        yield board


@pytest.mark.timeout(600)
def test_what_was_not_written_through_is_lost_and_the_rest_is_there(powered: PoweredBoard) -> None:
    """Else none of the cuts would tell anything."""
    flushes = powered.disk.flushes
    assert _shell(powered, "echo kept > kept && sync kept . && echo lost > lost && cat kept lost") == "kept\nlost\n"
    assert powered.disk.flushes > flushes
    powered.cut(kept_share=0.0)
    powered.start()
    assert _shell(powered, "cat kept; cat lost 2> /dev/null || echo no file") == "kept\nno file\n"


@pytest.mark.timeout(6 * 3600)
def test_the_power_is_cut_at_any_instant(
    powered: PoweredBoard,
    power_cuts: int,
    record_property: Callable[[str, object], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    turns = [TURNS[number % len(TURNS)] for number in range(power_cuts)]
    powered.prepare(set(turns))
    for number, name in enumerate(turns, 1):
        powered.survive(name)
        if number % 20 == 0:  # of a run of hours that ends early this much is known
            with capsys.disabled():
                sys.stdout.write("\n" + "\n".join(powered.tally.lines()) + "\n")
                sys.stdout.flush()
    record_property("fault_points", power_cuts)
    with capsys.disabled():  # part of what a run of the tests shows
        sys.stdout.write("\n" + "\n".join(powered.tally.lines()) + "\n")
    assert sum(powered.tally.within.values()) >= power_cuts / 4, "most cuts came too late to tell anything"


def _shell(powered: PoweredBoard, script: str) -> str:
    done = subprocess.run(powered.virtual.ssh_command([script]), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout
