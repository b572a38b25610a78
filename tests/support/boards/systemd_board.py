"""A board with a systemd of its own: real systemd as the login user's manager, and OpenSSH's server, in namespaces.

It sees its own processes, control groups, /run and linger files alone, and shares the loopback. A reboot ends all of it
at once, as a power cut would, and starts it again with the same home.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import IO

import pytest

from tests.support.boards.openssh_server import SSHD, OpenSshBoard

SYSTEMD = Path("/lib/systemd/systemd")
_BOOT = """
set -e
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p /sys/fs/cgroup/edgeproof-test-$1
echo $$ > /sys/fs/cgroup/edgeproof-test-$1/cgroup.procs
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p -m 755 /run/user/$2 /run/systemd/system /run/sshd
mount -t tmpfs tmpfs /var/lib/systemd
mkdir -p /var/lib/systemd/linger
[ "$6" = lingering ] && touch "/var/lib/systemd/linger/$(id -un)"
HOME=$3 XDG_RUNTIME_DIR=/run/user/$2 SYSTEMD_UNIT_PATH=$3/.config/systemd/user:/usr/lib/systemd/user \
  /lib/systemd/systemd --user --unit=default.target >/dev/null 2>&1 &
exec "$4" -D -e -f "$5"
"""


def require_systemd() -> None:
    """Skips where a systemd cannot be run in namespaces of its own."""
    if SSHD is None or not SYSTEMD.exists() or shutil.which("unshare") is None:
        pytest.skip("services were not tested under systemd: sudo apt install systemd openssh-server util-linux")
    probe = ["unshare", *_NAMESPACES, "sh", "-c", "mount -t cgroup2 none /sys/fs/cgroup && mount -t tmpfs tmpfs /run"]
    if os.geteuid() != 0 or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("services were not tested under systemd: this user may not mount control groups in a namespace")


_NAMESPACES = ("--pid", "--fork", "--kill-child", "--mount", "--ipc", "--cgroup", "--mount-proc")


class SystemdBoard(OpenSshBoard):
    """Use it as a context."""

    lingering = True

    def _serve(self, log: IO[bytes]) -> "subprocess.Popen[bytes]":
        words = ["unshare", *_NAMESPACES, "sh", "-c", _BOOT, "boot", str(os.getpid()), str(os.geteuid())]
        words += [str(self.home), str(SSHD), str(self.folder / "sshd_config"), "lingering" if self.lingering else "not"]
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
