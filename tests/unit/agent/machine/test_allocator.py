"""glibc keeps the memory of large blocks, within what the process may take; other C libraries are left as they are."""

import platform
import subprocess
import sys

import pytest

from edgeproof_agent.machine.allocator import keep_large_blocks

MIB = 1 << 20
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3


class Glibc:
    def __init__(self, taken: int = 1) -> None:
        self.settings: dict[int, int] = {}
        self.taken = taken

    def gnu_get_libc_version(self) -> bytes:
        return b"2.36"

    def mallopt(self, parameter: int, value: int) -> int:
        self.settings[parameter] = value
        return self.taken


class Musl:
    pass


class OtherWithMallopt:
    def mallopt(self, parameter: int, value: int) -> int:
        raise AssertionError((parameter, value))


@pytest.mark.skipif(sys.maxsize < 2**32, reason="the limits of 64 bits")
@pytest.mark.parametrize(
    ("may_take_mib", "threshold_mib", "kept_mib"), [(16_000, 32, 256), (800, 32, 100), (80, 10, 10)]
)
def test_what_is_kept_is_bounded_by_what_may_be_taken(may_take_mib: int, threshold_mib: int, kept_mib: int) -> None:
    libc = Glibc()
    assert keep_large_blocks(may_take_mib * MIB, libc)
    assert libc.settings == {M_MMAP_THRESHOLD: threshold_mib * MIB, M_TRIM_THRESHOLD: kept_mib * MIB}


def test_a_refusal_of_glibc_is_told() -> None:
    assert not keep_large_blocks(1000 * MIB, Glibc(taken=0))


@pytest.mark.parametrize("libc", [Musl(), OtherWithMallopt()])
def test_another_library_is_left_alone(libc: object) -> None:
    assert not keep_large_blocks(1000 * MIB, libc)


def test_nothing_is_changed_where_the_memory_is_not_known() -> None:
    libc = Glibc()
    assert not keep_large_blocks(None, libc)
    assert not libc.settings


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")
def test_the_pages_of_a_large_block_are_there_again_for_the_next_one() -> None:
    script = (
        "import ctypes, resource\n"
        "from edgeproof_agent.machine.allocator import keep_large_blocks\n"
        "if {kept}: assert keep_large_blocks(4 << 30)\n"
        "libc = ctypes.CDLL(None)\n"
        "libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]\n"
        "libc.free.argtypes = [ctypes.c_void_p]\n"
        "def round():\n"
        "    blocks = [libc.malloc(20 << 20) for _ in range(2)]\n"
        "    for block in blocks: ctypes.memset(block, 1, 20 << 20)\n"
        "    for block in blocks: libc.free(block)\n"
        "round()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(10): round()\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)\n"
    )
    kept, fresh = (
        int(subprocess.run([sys.executable, "-c", script.format(kept=flag)], capture_output=True, check=True).stdout)
        for flag in (True, False)
    )
    assert kept * 10 < fresh
