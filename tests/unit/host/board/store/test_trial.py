"""A store is tried on the board's own file system ahead of any byte: real mounts, where the tests may make them."""

import ast
import errno
import fcntl
import os
import resource
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgeproof.board.doctor.finding import Level
from edgeproof.board.doctor.store import store_findings
from edgeproof.board.link.local import LocalTransport
from edgeproof.board.link.transport import Channel
from edgeproof.board.open_board import OpenBoard
from edgeproof.board.provision import provision
from edgeproof.board.store import agent_object as agent_module
from edgeproof.board.store.client import open_store
from edgeproof.board.store.trial import TRIAL_REMEDIES, StoreTrial, remedy_for
from edgeproof.errors import BoardPythonError, DeploymentError, ProvisionError
from edgeproof_agent.store import trial
from tests.support.places import ROOT


class Mounted(LocalTransport):
    """A board whose home folder is a mount of its own kind."""

    def __init__(self, home: Path, options: str, before: str = "") -> None:
        super().__init__("pi", home)
        self._mount = f"mount -t tmpfs -o {options} none {shlex.quote(str(home))} && {before or 'true'}"
        self._home_again = f"cd {shlex.quote(str(home))}"

    def open(self, command: str) -> Channel:
        script = f"{self._mount} && {self._home_again} && exec /bin/sh -c {shlex.quote(command)}"
        return super().open(f"exec unshare -m /bin/sh -c {shlex.quote(script)}")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    if os.getuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("not root, or no mount namespaces here: file systems of boards were not tried")
    return tmp_path


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ("noexec", "noexec", "nothing may be executed from"),
        ("ro", "readonly", "is read-only"),
        ("nr_inodes=300", "inodes", "inodes (files) left"),
    ],
)
def test_a_file_system_that_will_not_do_is_told_before_anything_is_sent(
    home: Path, options: str, kind: str, words: str
) -> None:
    with Mounted(home, options) as transport, open_store(transport, sys.executable) as store:
        found = store.try_store()
        assert [trouble for trouble, _ in found.troubles] == [kind]
        assert words in found.troubles[0][1]
        with pytest.raises(ProvisionError, match="cannot take a runtime, and nothing was sent") as provisioned:
            provision(OpenBoard(transport, store))
        with pytest.raises(DeploymentError) as sent:
            store.send(agent_module.agent_object(), "the agent")
        for error in (provisioned.value, sent.value):
            assert words in str(error)
            assert TRIAL_REMEDIES[kind] in str(error)
        assert store.inventory.agents == frozenset()
        (bad,) = [finding for finding in store_findings(found) if finding.level is Level.BAD]
        assert (words in bad.value, bad.remedy) == (True, TRIAL_REMEDIES[kind])


def test_a_limit_is_told_once_as_what_is_allowed_or_as_what_is_in_the_way() -> None:
    figures = {"address_space_bytes": 256 << 20, "file_bytes": 2 << 30}
    (trial, limits) = store_findings(StoreTrial((), figures))
    assert (trial.name, limits.name, limits.level) == ("trial", "limits", Level.GOOD)
    assert limits.value == "addresses (ulimit -v) 256 MiB, a file (ulimit -f) 2048 MiB"
    (told,) = store_findings(StoreTrial((("limits", "ulimit -v allows a process 256 MiB of addresses"),), figures))
    assert (told.name, told.level) == ("limits", Level.BAD)


def test_the_free_space_is_that_of_the_file_system_which_the_store_is_on(home: Path) -> None:
    other = home / "data"
    other.mkdir()
    before = f"mkdir {home}/data && mount -t tmpfs -o size=64m,nr_inodes=9000 none {home}/data"
    with (
        Mounted(home, "size=8m", before) as transport,
        open_store(transport, sys.executable, folder=str(other)) as store,
    ):
        assert store.root == f"{other}/.edgeproof"
        assert 60 < store.facts.disk_free_mib <= 64
        figures = store.try_store().figures
        assert 60 << 20 < (figures["free_bytes"] or 0) <= 64 << 20
        assert 8000 < (figures["free_inodes"] or 0) < 9000
        store.send(agent_module.agent_object(), "the agent")
        assert store.refresh().agents == {agent_module.agent_object().digest}


def test_a_store_of_somebody_else_is_told_with_its_owner(home: Path) -> None:
    before = f"mkdir {home}/.edgeproof && chown 1234 {home}/.edgeproof"
    with Mounted(home, "size=8m", before) as transport, open_store(transport, sys.executable) as store:
        ((kind, words),) = store.try_store().troubles
    assert kind == "owner"
    assert f"{home}/.edgeproof belongs to user 1234, and " in words


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "not/there"
    with (
        LocalTransport("pi", tmp_path) as transport,
        open_store(transport, sys.executable, folder=str(folder)) as store,
    ):
        assert store.try_store().troubles == (("folder", f"there is no folder {folder}"),)
        with pytest.raises(DeploymentError, match="mkdir -p"):
            store.send(agent_module.agent_object(), "the agent")
    assert list(tmp_path.iterdir()) == []


def test_a_home_folder_can_be_named_by_its_tilde(tmp_path: Path) -> None:
    (tmp_path / "ssd").mkdir()
    with LocalTransport("pi", tmp_path) as transport, open_store(transport, sys.executable, folder="~/ssd") as store:
        store.send(agent_module.agent_object(), "the agent")
    assert (tmp_path / "ssd/.edgeproof/agents").is_dir()
    with LocalTransport("pi", tmp_path) as transport, open_store(transport, sys.executable, folder="~/ssd") as store:
        assert store.inventory.agents == {agent_module.agent_object().digest}


def kinds(root: Path) -> list[str]:
    return [trouble.kind for trouble in trial.try_store(root).troubles]


def test_a_good_place_has_no_troubles_and_nothing_stays(tmp_path: Path) -> None:
    found = trial.try_store(tmp_path / ".edgeproof", modules=True)
    assert found.troubles == []
    assert (found.figures["free_bytes"] or 0) > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert kinds(tmp_path) == ["locks"]
    assert list(tmp_path.iterdir()) == []


def test_locks_that_are_not_kept_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    assert kinds(tmp_path) == ["locks"]


def test_a_file_system_without_links_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "symlink", refuse)
    assert kinds(tmp_path) == ["links"]


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        (resource.RLIMIT_AS, 400 << 20, "ulimit -v allows a process 400 MiB"),
        (resource.RLIMIT_FSIZE, 8 << 20, "ulimit -f allows files of 8 MiB"),
        (resource.RLIMIT_NOFILE, 32, "ulimit -n allows 32 open files"),
    ],
)
def test_limits_of_the_login_are_told(tmp_path: Path, limit: int, value: int, words: str) -> None:
    flag = {resource.RLIMIT_AS: "v", resource.RLIMIT_FSIZE: "f", resource.RLIMIT_NOFILE: "n"}[limit]
    # Of the shell that starts the store service, as a login file sets it: in units of KiB, of 512 bytes, of one.
    amount = {"v": value >> 10, "f": value >> 9, "n": value}[flag]

    class Limited(LocalTransport):
        def open(self, command: str) -> Channel:
            return super().open(f"ulimit -{flag} {amount}; {command}")

    with Limited("pi", tmp_path) as transport, open_store(transport, sys.executable) as store:
        ((kind, text),) = store.try_store().troubles
    assert kind == "limits"
    assert words in text


def test_a_control_group_s_memory_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "group_limit_bytes", lambda: 100 << 20)
    assert trial.try_store(tmp_path).troubles == [
        trial.Trouble("limits", "this login's control group has 100 MiB of memory")
    ]


def test_what_a_killed_trial_left_goes_with_the_next_one(tmp_path: Path) -> None:
    left, young = tmp_path / ".edgeproof-trial-1", tmp_path / ".edgeproof-trial-2"
    for folder in (left, young):
        (folder / "new").mkdir(parents=True)
    os.utime(left, (1, 1))
    assert kinds(tmp_path) == []
    assert list(tmp_path.iterdir()) == [young]


def test_a_python_without_a_module_of_the_standard_library_is_told(tmp_path: Path) -> None:
    """A Python of Yocto or OpenWrt has its library in packages."""
    for missing, first in (("json", True), ("logging", False), ("platform", True)):
        wrapper = tmp_path / "py"
        hide = f"import sys; sys.modules[{missing!r}] = None; exec(sys.argv.pop(1))"
        wrapper.write_text(f'#!/bin/sh\nshift 4\nexec {sys.executable} -E -S -B -c {shlex.quote(hide)} "$@"\n')
        wrapper.chmod(0o755)
        with LocalTransport("pi", tmp_path) as transport:
            if first:
                with pytest.raises(BoardPythonError, match=f"this Python lacks {missing}"):
                    open_store(transport, str(wrapper))
                continue
            with open_store(transport, str(wrapper)) as store:
                ((kind, text),) = store.try_store().troubles
        assert kind == "modules"
        assert missing in text
        assert "python3-full" in remedy_for(kind)


def test_every_module_that_the_agent_imports_is_looked_for() -> None:
    used = set()
    for path in (ROOT / "device/edgeproof_agent").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [item.name for item in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            used |= {name.partition(".")[0] for name in names}
    asked = {name.partition(".")[0] for name in trial.MODULES}
    always = {
        "os",
        "sys",
        "time",
        "errno",
        "marshal",
        "builtins",
        "codecs",
        "abc",
        "__future__",
    }  # a Python without these does not start
    assert (used & sys.stdlib_module_names) - asked - always == set()


def test_a_trial_s_words_name_every_trouble() -> None:
    found = StoreTrial((("noexec", "one"), ("inodes", "two")), {})
    with pytest.raises(ProvisionError) as caught:
        found.require("pi")
    assert all(
        words in str(caught.value) for words in ("one.", "two.", TRIAL_REMEDIES["noexec"], TRIAL_REMEDIES["inodes"])
    )
