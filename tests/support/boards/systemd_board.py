"""A board with a systemd of its own: real systemd as the login user's manager, and OpenSSH's server, in namespaces.

An init must never reach this machine's files: /tmp, /run and /var are the board's own, all else but its folder can only
be read, and of the distribution's units there are targets and slices alone, none that runs a program. The loopback is
shared. A reboot ends everything on the board at once, as a power cut would, and starts it with the same home.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import IO

import pytest

from tests.support.boards.openssh_server import SSHD, OpenSshBoard
from tests.support.places import BUILT

SYSTEMD = Path("/lib/systemd/systemd")
_ISOLATE = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro /
for own in /tmp /run /var /dev/shm; do
  mount -t tmpfs -o mode=755 tmpfs "$own"
  mountpoint -q "$own"
done
chmod 1777 /tmp
mount -t cgroup2 none /sys/fs/cgroup
"""
_BOOT = """
mkdir -p "/sys/fs/cgroup/edgeproof-test-$2"
echo $$ > "/sys/fs/cgroup/edgeproof-test-$2/cgroup.procs"
mkdir -p -m 755 "/run/user/$3" /run/systemd/system /run/sshd /run/units /var/lib/systemd/linger
cp /usr/lib/systemd/user/*.target /usr/lib/systemd/user/*.slice /run/units/
touch "/var/lib/systemd/linger/$(id -un)"
HOME=$5 XDG_RUNTIME_DIR=/run/user/$3 SYSTEMD_UNIT_PATH=$5/.config/systemd/user:/run/units \
  SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/run/none SYSTEMD_GENERATOR_PATH=/run/none \
  /lib/systemd/systemd --user --unit=default.target >/dev/null 2>&1 &
exec "$4" -D -e -f "$1/sshd_config"
"""
_NAMESPACES = ("--pid", "--fork", "--kill-child", "--mount", "--ipc", "--cgroup", "--mount-proc")


def isolated(folder: Path, script: str, *arguments: str) -> list[str]:
    """The command that runs a shell script where it can write to `folder` alone; it finds that as $1."""
    return ["unshare", *_NAMESPACES, "sh", "-c", _ISOLATE + script, "board", str(folder), *arguments]


def require_systemd() -> None:
    """Skips where a systemd cannot be run in namespaces of its own."""
    if SSHD is None or not SYSTEMD.exists() or shutil.which("unshare") is None:
        pytest.skip("services were not tested under systemd: sudo apt install systemd openssh-server util-linux")
    with tempfile.TemporaryDirectory(dir=BUILT) as folder:
        probe = isolated(Path(folder), 'touch "$1/written"; ! touch /written 2>/dev/null')
        if os.geteuid() != 0 or subprocess.run(probe, capture_output=True, timeout=60).returncode:
            pytest.skip("services were not tested under systemd: this user may not keep one apart from the machine")


class SystemdBoard(OpenSshBoard):
    """Use it as a context. Its home has letters in its name that mean something in a unit."""

    def __init__(self, folder: Path, python: str) -> None:
        super().__init__(folder.resolve(), python)
        self.home = self.folder / "home-100%h-$USER"

    def _serve(self, log: IO[bytes]) -> "subprocess.Popen[bytes]":
        words = isolated(self.folder, _BOOT, str(os.getpid()), str(os.geteuid()), str(SSHD), str(self.home))
        environment = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=log, env=environment)

    def cut_power(self) -> None:
        """Ends everything on the board at once."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)

    def boot(self) -> None:
        self._start()

    def __enter__(self) -> "SystemdBoard":
        super().__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut_power()
        group = f"/sys/fs/cgroup/edgeproof-test-{os.getpid()}"
        clean = f"mount -t cgroup2 none /sys/fs/cgroup && rmdir $(find {group} -depth -type d)"
        subprocess.run(["unshare", "--mount", "sh", "-c", clean], capture_output=True, timeout=20)
