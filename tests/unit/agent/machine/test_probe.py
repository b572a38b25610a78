"""The probe tells the host what a machine is, as raw texts, whatever that machine lacks."""

import os
import platform
import sys
from pathlib import Path

import pytest

from edgeproof.board.facts import parse_facts
from edgeproof_agent.machine.probe import probe
from edgeproof_agent.wire.fields import Fields
from edgeproof_agent.wire.frames import decode_header, encode_frame


def test_a_board_with_a_device_tree_names_its_model(tmp_path: Path) -> None:
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "proc/device-tree/model").write_bytes(b"Raspberry Pi 4 Model B Rev 1.4\0")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    (tmp_path / "proc/meminfo").write_text("MemTotal: 3884772 kB\n")
    (tmp_path / "proc/cpuinfo").write_bytes(b"Serial\t: \xff\xfe\n")
    told = probe(tmp_path, home=tmp_path)
    assert told["model"] == "Raspberry Pi 4 Model B Rev 1.4"
    assert told["os_release"] == 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"'
    assert told["meminfo"] == "MemTotal: 3884772 kB"
    assert told["cpuinfo"] == "Serial\t: ��"


def test_what_a_machine_lacks_is_empty(tmp_path: Path) -> None:
    told = probe(tmp_path / "nowhere", home=tmp_path)
    assert [told[name] for name in ("model", "os_release", "meminfo", "cpuinfo")] == ["", "", "", ""]


def test_it_tells_of_the_python_that_runs_it(tmp_path: Path) -> None:
    told = probe(home=tmp_path)
    assert told["python"] == platform.python_version()
    assert told["python_executable"] == sys.executable
    assert told["pointer_bits"] == (64 if sys.maxsize > 2**32 else 32)
    assert told["disk_free_bytes"] > 0


def test_a_huge_file_is_cut(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("x" * 1_000_000)
    assert len(probe(tmp_path, home=tmp_path)["cpuinfo"]) == 16384


@pytest.mark.parametrize("content", ["", "\0" * 65536, "é" * 40000])
def test_the_host_understands_every_probe(tmp_path: Path, content: str) -> None:
    for name in ("proc/device-tree/model", "etc/os-release", "proc/meminfo", "proc/cpuinfo"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("" if name == "proc/device-tree/model" else content)
    header = encode_frame({"id": 1, "ok": True, "facts": probe(tmp_path, home=tmp_path)})[12:]
    facts = parse_facts(Fields(decode_header(header)).nested("facts"))
    assert facts.python[:2] == sys.version_info[:2]


def test_it_tells_which_modules_the_distributions_packages_bring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("site.getsitepackages", lambda: [str(tmp_path / "nowhere"), str(tmp_path)])
    assert probe(home=tmp_path)["system_modules"] == []
    (tmp_path / "cv2").mkdir()
    (tmp_path / "cv2" / "__init__.py").write_text("raise SystemExit('it must not be imported')")
    assert probe(home=tmp_path)["system_modules"] == ["cv2"]


def test_a_file_that_cannot_be_read_now_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sleeping sensor answers EAGAIN, which a read without a buffer gives back as None."""
    (tmp_path / "proc").mkdir()
    read_end, write_end = os.pipe2(os.O_NONBLOCK)
    monkeypatch.setattr("pathlib.Path.open", lambda *_, **options: os.fdopen(os.dup(read_end), "rb", **options))
    try:
        told = probe(tmp_path, home=tmp_path)
    finally:
        os.close(read_end)
        os.close(write_end)
    assert [told[name] for name in ("model", "os_release", "meminfo", "cpuinfo")] == ["", "", "", ""]
