"""Where a connection leads by the profile and ~/.ssh/config, before anything is connected."""

import getpass
import io
import subprocess
import sys
from pathlib import Path

import pytest

from edgeproof.board.ssh import config as ssh_config
from edgeproof.board.ssh.route import find_route
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import ProfileError

CONFIG = """\
Host kitchen
  HostName 10.0.0.7
  User gardener
  Port 2200
Host gate
  HostName gate.example
Host inside
  HostName 10.1.0.3
  ProxyJump guard@gate:2222
Match host shed exec "test %h = shed"
  User smith
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/config").write_text(CONFIG)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(ssh_config, "SYSTEM_FOLDER", tmp_path / "etc")


def way(**profile: object) -> list[tuple[str, str, int]]:
    """User, host and port of each hop, the board last."""
    hop = find_route(BoardProfile(name="desk", **profile))  # type: ignore[arg-type]
    hops = [hop]
    while hops[0].before is not None:
        hops.insert(0, hops[0].before)
    return [(one.user, one.host, one.port) for one in hops]


def test_an_alias_says_host_user_and_port_and_the_profile_goes_first() -> None:
    assert way(host="kitchen") == [("gardener", "10.0.0.7", 2200)]
    assert way(host="kitchen", user="pi", port=22) == [("pi", "10.0.0.7", 22)]


def test_what_nobody_says_is_this_user_and_port_22() -> None:
    assert way(host="elsewhere") == [(getpass.getuser(), "elsewhere", 22)]


def test_a_jump_host_has_its_own_user_and_port() -> None:
    assert way(host="inside", user="pi") == [("guard", "gate.example", 2222), ("pi", "10.1.0.3", 22)]


def test_a_match_by_a_command_is_asked_although_its_library_is_imported_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # which that library hands on to the command
    assert way(host="shed") == [("smith", "shed", 22)]
    assert way(host="barn") == [(getpass.getuser(), "barn", 22)]
    assert "invoke" in sys.modules


def test_a_port_that_is_none_is_an_error_of_the_file(tmp_path: Path) -> None:
    (tmp_path / ".ssh/config").write_text("Host odd\n  Port many\n")
    with pytest.raises(ProfileError, match="what ~/.ssh/config says of odd is not right"):
        way(host="odd")


def test_the_library_that_waits_is_there_for_everybody_else() -> None:
    script = (
        "import sys, edgeproof.board.ssh.transport\n"
        "assert 'invoke' not in sys.modules and 'asyncio' not in sys.modules\n"
        "import fabric, invoke, paramiko\n"
        "assert invoke.__file__ and fabric.Connection\n"
        "assert paramiko.config.invoke.run is invoke.run\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
