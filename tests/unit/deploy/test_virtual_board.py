"""The virtual ARM board's parts that need no emulator: recipes, their digests, processes and clear errors."""

import io
import json
import os
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.virtual_board import tools
from deploy.virtual_board.artefacts import Artefact, boards_folder, content_digest
from deploy.virtual_board.board import VirtualBoard
from deploy.virtual_board.cpio import joined
from deploy.virtual_board.debian import Unpacking
from deploy.virtual_board.errors import MissingToolsError, VirtualBoardError
from deploy.virtual_board.kernel import kernel, load_order
from deploy.virtual_board.machine import Machine
from deploy.virtual_board.overlay import overlay_archive
from deploy.virtual_board.process import ProcessIdentity
from deploy.virtual_board.recipe import ARM, PC, SUITES
from deploy.virtual_board.root_file_system import root_file_system
from tests.support.places import ROOT
from tests.support.processes import is_gone

MODULES_DEP = """kernel/fs/ext4/ext4.ko.xz: kernel/lib/crc16.ko.xz kernel/fs/mbcache.ko.xz kernel/fs/jbd2/jbd2.ko.xz
kernel/lib/crc16.ko.xz:
kernel/fs/mbcache.ko.xz:
kernel/fs/jbd2/jbd2.ko.xz: kernel/lib/crc16.ko.xz
kernel/drivers/char/hw_random/virtio-rng.ko.xz:
"""


def run_cli(*arguments: str, cache: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "EDGEPROOF_CACHE": str(cache)}
    command = [sys.executable, "-m", "deploy.virtual_board", *arguments]
    root = ROOT
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=root, timeout=60)


def test_modules_are_loaded_after_what_they_depend_on_and_once() -> None:
    order = [path.rpartition("/")[2] for path in load_order(MODULES_DEP, ["ext4", "virtio_rng", "crc16"])]
    assert max(order.index(name) for name in ("jbd2.ko.xz", "mbcache.ko.xz", "crc16.ko.xz")) < order.index("ext4.ko.xz")
    assert order[-1] == "virtio-rng.ko.xz"
    assert len(order) == len(set(order)) == 5


def test_a_module_that_the_kernel_lacks_is_named() -> None:
    with pytest.raises(VirtualBoardError, match="the kernel has no module vivid"):
        load_order(MODULES_DEP, ["ext4", "vivid"])


@pytest.mark.parametrize("length", [8, 9, 10, 11])
def test_a_second_archive_begins_where_the_kernel_looks_for_it(length: int) -> None:
    both = joined(b"x" * length, b"070701")
    assert both.index(b"070701") % 4 == 0
    assert both.replace(b"\0", b"") == b"x" * length + b"070701"


def test_the_same_recipe_gives_the_same_digest_and_every_other_another() -> None:
    digests = {name: root_file_system(suite).digest for name, suite in SUITES.items()}
    assert len({*digests.values(), kernel(ARM).digest, kernel(PC).digest}) == len(SUITES) + 2
    assert digests == {name: root_file_system(suite).digest for name, suite in SUITES.items()}
    assert content_digest("a", "bc") != content_digest("ab", "c")


def test_the_board_lets_in_its_user_and_root_by_key_alone() -> None:
    with tarfile.open(fileobj=io.BytesIO(overlay_archive(SUITES["bookworm"]))) as archive:
        members = {member.name: member for member in archive}
        config = archive.extractfile("etc/ssh/sshd_config_virtual")
        assert config is not None
        text = config.read().decode()
    assert "AllowUsers pi root\nAuthenticationMethods publickey\nPermitRootLogin prohibit-password\n" in text
    assert (members["home/pi/.ssh"].mode, members["home/pi/.ssh"].uid) == (0o700, 1000)
    assert (members["etc/shadow"].mode, members["etc/shadow"].uid) == (0o600, 0)


def test_packages_come_from_the_release_without_recommendations() -> None:
    arguments = Unpacking("trixie", "arm64", ("python3", "openssh-server"), whole_system=True).arguments()
    assert "--include=python3,openssh-server" in arguments
    assert "--include=?essential" in arguments
    assert '--aptopt=APT::Install-Recommends "false"' in arguments


def test_the_machine_has_no_network_but_the_port_and_keeps_its_disk_unchanged(tmp_path: Path) -> None:
    kernel, initramfs, disk, console = (tmp_path / name for name in ("vmlinuz", "initramfs", "a,b.img", "console"))
    machine = Machine(ARM, kernel, initramfs, disk, console)
    command = " ".join(replace(machine, port=2222).command())
    assert "user,id=network,restrict=on,hostfwd=tcp:127.0.0.1:2222-:22" in command
    assert "-nic none" in " ".join(machine.command())
    assert f"file={tmp_path}/a,,b.img,format=raw,snapshot=on" in command
    assert "snapshot=off" in " ".join(replace(machine, port=2222, keep_changes=True).command())


def test_what_is_built_is_kept_until_its_recipe_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEPROOF_CACHE", str(tmp_path))
    monkeypatch.setattr("deploy.virtual_board.artefacts.require_tools", lambda *_, **__: None)
    built: list[str] = []

    def artefact(content: str, fails: bool = False) -> Artefact:
        def build(folder: Path, work: Path) -> None:
            (folder / "content").write_text(content)
            (work / "scratch").touch()
            built.append(content)
            if fails:
                raise VirtualBoardError("a mirror is down")

        return Artefact("root-test", content_digest(content), ARM, "a test", build)

    for _ in range(2):
        assert (artefact("one").get() / "content").read_text() == "one"
    with pytest.raises(VirtualBoardError, match="a mirror is down"):
        artefact("two", fails=True).get()
    assert [path.name for path in boards_folder().iterdir()] == [artefact("one").folder.name]
    assert (artefact("two").get() / "content").read_text() == "two"
    assert built == ["one", "two", "two"]
    assert [path.name for path in boards_folder().iterdir()] == [artefact("two").folder.name]


def test_missing_programs_are_named_with_the_line_that_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools, "_SYSTEM_FOLDERS", str(tmp_path))
    with pytest.raises(MissingToolsError, match=r"sudo apt install qemu-system-arm cpio util-linux openssh-client$"):
        tools.require_tools(ARM, to_build=False)
    assert {"qemu-system-x86", "mmdebstrap", "kmod", "e2fsprogs"} < set(tools.missing_packages(PC, to_build=True))
    with pytest.raises(VirtualBoardError, match="cpio is not installed"):
        tools.run_tool(["cpio"], "a test", 5)


def test_the_last_words_of_a_program_that_fails_are_told() -> None:
    with pytest.raises(VirtualBoardError, match=r"a test failed: sh ended with status 3\nE: no mirror"):
        tools.run_tool(["sh", "-c", "echo E: no mirror >&2; exit 3"], "a test", 5)
    with pytest.raises(VirtualBoardError, match="a test took longer than 0 s"):
        tools.run_tool(["sleep", "60"], "a test", 0.1)


def test_a_process_is_known_by_more_than_its_number() -> None:
    process = subprocess.Popen(["sleep", "60"])
    identity = ProcessIdentity.of(process.pid)
    assert identity.is_alive()
    stranger = ProcessIdentity(process.pid, identity.start_ticks + 1)
    assert not stranger.is_alive()
    stranger.end(5)
    assert process.poll() is None, "another process than the one that was meant was ended"
    identity.end(5)
    assert is_gone(process.pid)
    with pytest.raises(ProcessLookupError):
        ProcessIdentity.of(process.pid)


def test_a_process_that_does_not_listen_is_ended_by_force() -> None:
    command = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", command], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        ProcessIdentity.of(process.pid).end(0.3)
        assert is_gone(process.pid)


@pytest.mark.parametrize("content", [None, "", "{}", "nonsense", json.dumps({"pid": 1, "start_ticks": 1})])
def test_a_board_that_does_not_run_is_no_trouble_to_stop(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "state.json").write_text(content)
    board = VirtualBoard(tmp_path)
    assert board.running_suite() is None
    assert not board.stop()
    with pytest.raises(VirtualBoardError, match="virtual does not run. Start it: python -m deploy.virtual_board up"):
        _ = board.profile


def test_the_command_says_that_no_board_runs(tmp_path: Path) -> None:
    assert run_cli("status", cache=tmp_path).returncode == 1
    assert run_cli("down", cache=tmp_path).stdout == "virtual does not run\n"
    ssh = run_cli("ssh", cache=tmp_path)
    assert (ssh.returncode, ssh.stdout) == (2, "")
    assert ssh.stderr.startswith("error: virtual does not run.")
    assert run_cli("up", "--suite", "buster", cache=tmp_path).returncode == 2
    assert list(tmp_path.iterdir()) == []
