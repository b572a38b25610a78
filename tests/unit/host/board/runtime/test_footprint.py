"""What a runtime takes of a board is said, and compared with what is free, before anything is sent."""

import zipfile
from pathlib import Path

import pytest

from edgeproof.board.facts import BoardFacts, parse_facts
from edgeproof.board.runtime.footprint import Footprint, unpacked_bytes
from edgeproof.errors import ProvisionError
from edgeproof_agent.wire.fields import Fields
from tests.support.boards import profiles as boards

MIB = 1 << 20


def board_with(free_mib: int, meminfo: str = "MemTotal: 3884772 kB\nMemAvailable: 1048576 kB\n") -> BoardFacts:
    return parse_facts(Fields(boards.probe_of(disk_free_bytes=free_mib * MIB, meminfo=meminfo)))


@pytest.fixture
def wheels(tmp_path: Path) -> list[Path]:
    for name in ("a.whl", "b.whl"):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("package/code.py", "x = 1\n" * 500)
            archive.writestr("package/library.so", bytes(50 * MIB))
            archive.writestr("package/empty", b"")
    return sorted(tmp_path.glob("*.whl"))


def test_files_count_in_whole_blocks_and_python_twice_for_what_is_compiled_from_it(wheels: list[Path]) -> None:
    assert unpacked_bytes(wheels) == 2 * (8192 + 50 * MIB)


def test_what_is_left_out_of_a_runtime_counts_in_its_wheel_alone(wheels: list[Path]) -> None:
    before = Footprint.of(wheels, 60.0)
    with zipfile.ZipFile(wheels[0], "a") as archive:
        archive.writestr("ai_edge_litert/vendors/compiler.so", bytes(3 * MIB))
    after = Footprint.of(wheels, 60.0)
    assert after.disk_bytes == before.disk_bytes
    assert after.peak_disk_bytes > before.peak_disk_bytes


def test_the_peak_counts_the_wheels_too(wheels: list[Path]) -> None:
    footprint = Footprint.of(wheels, 60.0)
    assert footprint.peak_disk_bytes - footprint.disk_bytes == sum(wheel.stat().st_size for wheel in wheels)


def test_it_is_said_in_one_sentence() -> None:
    footprint = Footprint(138 * MIB, 182 * MIB, 60.0)
    assert footprint.describe("tflite-runtime 2.14.0", "pi", board_with(3888)) == (
        "tflite-runtime 2.14.0 needs 182 MiB of disk on pi while it is set up and 138 MiB after (3888 MiB are free), "
        "and 60 MiB of memory (1024 MiB are available)"
    )
    assert footprint.describe("it", "pi", board_with(3888, "")).endswith("and 60 MiB of memory")


def test_a_disk_on_which_the_runtime_cannot_fit_is_an_error_with_all_figures() -> None:
    footprint = Footprint(138 * MIB, 182 * MIB, 60.0)
    with pytest.raises(ProvisionError) as caught:
        footprint.require_room("tflite-runtime 2.14.0", "pi", board_with(153))
    assert str(caught.value) == (
        "tflite-runtime 2.14.0 does not fit on pi: it takes 182 MiB of disk while it is set up and 138 MiB after, and "
        "153 MiB are free. Nothing was changed. Free some space on the board (edgeproof prune pi drops what nothing "
        "points to) and try again."
    )
    footprint.require_room("tflite-runtime 2.14.0", "pi", board_with(154))


def test_a_board_is_short_of_memory_only_when_it_says_so() -> None:
    footprint = Footprint(138 * MIB, 182 * MIB, 60.0)
    assert footprint.is_short_of_memory(board_with(100, "MemAvailable: 51200 kB\n"))
    assert not footprint.is_short_of_memory(board_with(100))
    assert not footprint.is_short_of_memory(board_with(100, "MemTotal: 51200 kB\n"))
