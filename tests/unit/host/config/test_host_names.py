"""Names that reach ssh_config's commands are names; OpenSSH's own judgement is the witness."""

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from edgeproof.board.ssh.route import find_route
from edgeproof.config.boards import BoardProfile, parse_target
from edgeproof.config.host_names import require_host, require_user
from edgeproof.errors import ProfileError

GOOD_HOSTS = ["pi", "raspberrypi.local", "192.168.1.20", "my_board-2", "fe80::1%eth0", "::1", "käse.example", "a" * 255]
BAD_HOSTS = ["", "-oProxyCommand=x", "x;y", "x y", "$(x)", "`x`", "x|y", "x&y", "a'b", 'a"b', "a\\b", "a\nb", "a" * 256]
BAD_HOSTS += [
    "x{y}",
    "x<y",
    "x>y",
    "~root",
    "*",
    "?",
    "x#y",
    "x!y",
    "fe80::1%eth0;x",
    "%h",
    "a/b",
    "\x00",
    "+x",
    "x\u202ey",
]
GOOD_USERS = ["pi", "first.last", "DOM\\user", "user@realm", "_svc", "a-b"]
BAD_USERS = ["", "-l", "x;y", "x y", "a\\", "$(x)", "`x`", "a\nb", "a'b", "%r", "a" * 256]


@pytest.mark.parametrize("name", GOOD_HOSTS)
def test_a_host_is_a_name_or_an_address(name: str) -> None:
    assert require_host(name) == name


@pytest.mark.parametrize("name", BAD_HOSTS)
def test_what_a_shell_could_take_for_more_is_no_host(name: str) -> None:
    with pytest.raises(ProfileError, match="is not the name of a host"):
        require_host(name)


@pytest.mark.parametrize("name", GOOD_USERS)
def test_a_user_is_a_name(name: str) -> None:
    assert require_user(name) == name


@pytest.mark.parametrize("name", BAD_USERS)
def test_what_a_shell_could_take_for_more_is_no_user(name: str) -> None:
    with pytest.raises(ProfileError, match="is not the name of a user"):
        require_user(name)


@pytest.mark.parametrize("target", ["pi@x;touch${IFS}y;#", "pi@-oProxyCommand", "$(x)@pi", "-x@pi", "pi@[::1%$(x)]:22"])
def test_a_target_is_made_of_names(target: str) -> None:
    with pytest.raises(ProfileError):
        parse_target(target)


def test_nothing_is_looked_up_before_the_names_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "ran"
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text(
        'Match exec "test %h = office"\n  User x\nHost *\n  ProxyCommand sh -c "exec nc %h %p"\n'
    )
    for profile in (
        BoardProfile(host=f"x;touch${{IFS}}{marker};#", user="pi", name="pi"),
        BoardProfile(host="x", user=f"pi;touch${{IFS}}{marker};#", name="pi"),
    ):
        with pytest.raises(ProfileError):
            find_route(profile)
    assert not marker.exists()


@pytest.mark.parametrize("line", ["HostName x;touch y", "ProxyJump x;touch${IFS}y", "User -l"])
def test_names_out_of_ssh_config_are_checked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text(f"Host pi\n  {line}\n")
    with pytest.raises(ProfileError):
        find_route(BoardProfile(host="pi", name="pi"))


@pytest.mark.skipif(
    shutil.which("ssh") is None, reason="ssh is not installed: host names were not compared with its own"
)
def test_no_name_passes_that_openssh_refuses(tmp_path: Path) -> None:
    """OpenSSH says whether a name is one before it does anything; -G then only prints. We may be the stricter."""
    random_names = random.Random(5)
    alphabet = "ab1.-_+:%@'`\"$\\;&<>|(){} \t~*?#!=/,^[]"
    names = ["".join(random_names.choices(alphabet, k=random_names.randint(1, 6))) for _ in range(300)]
    empty = tmp_path / "config"
    empty.touch()
    passed = refused = 0
    for name in [*GOOD_HOSTS[:-1], *names]:
        try:
            require_host(name)
        except ProfileError:
            refused += 1
            continue
        passed += 1
        done = subprocess.run(["ssh", "-G", "-F", empty, "--", name], capture_output=True, text=True)
        assert done.returncode == 0, (name, done.stderr)
    assert passed > 10
    assert refused > 100
