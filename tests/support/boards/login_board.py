"""SSH servers on the loopback for which the user of the tests has any login shell, home folder and expiry.

The servers run in a mount namespace where others lie over /etc/passwd, shadow and shells, so that nothing
of this machine changes. That takes root.
"""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from edgeproof.board.link.local import base_python
from edgeproof.config.boards import BoardProfile
from tests.support.boards.openssh_server import SSHD

DROPBEAR = shutil.which("dropbear") or ("/usr/sbin/dropbear" if Path("/usr/sbin/dropbear").exists() else None)
_START_SECONDS = 20.0


def require_namespaces() -> None:
    """Skips a test, loudly, where login shells cannot be had."""
    if SSHD is None:
        pytest.skip("sshd is not installed (apt-get install openssh-server): login shells were not tested")
    if os.getuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("not root, or no mount namespaces here: login shells were not tested")


class LoginBoard:
    """A server of one kind, `openssh` or `dropbear`; use it as a context. `set_up` between two connections."""

    def __init__(
        self, folder: Path, kind: str = "openssh", options: Sequence[str] = (), dropbear: str | None = DROPBEAR
    ) -> None:
        """`options` are lines of sshd_config, ahead of all others, or arguments of dropbear, whose program can be
        another one than this machine's."""
        self.folder = folder
        self.home = folder / "home"
        self._kind = kind
        self._options = options
        self._dropbear = dropbear
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def profile(self) -> BoardProfile:
        return BoardProfile(
            name="desk",
            host="127.0.0.1",
            user=getpass.getuser(),
            port=self._port,
            identity_file=str(self.folder / "client_key"),
            known_hosts=str(self.folder / "known_hosts"),
            python=base_python(),
        )

    def set_up(
        self,
        shell: str = "/bin/sh",
        files: Mapping[str, str] | None = None,
        forced: str | None = None,
        shadow: str = "*:19000::::::",
    ) -> None:
        """Empties the home folder but for `files`, by their path there. `forced` is the command that the key is bound
        to (which a server treats as it does ForceCommand); `shadow` is what follows the user's name."""
        for entry in self.home.iterdir() if self.home.is_dir() else ():
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        for name, text in (files or {}).items():
            path = self.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)
        ssh = self.home / ".ssh"
        ssh.mkdir(parents=True, exist_ok=True, mode=0o700)
        bound = "" if forced is None else f'command="{forced}" '
        (ssh / "authorized_keys").write_text(bound + (self.folder / "client_key.pub").read_text())
        user = getpass.getuser()
        lines = Path("/etc/passwd").read_text().splitlines()
        kept = [line for line in lines if line.partition(":")[0] != user]
        _write_in_place(self.folder / "passwd", [f"{user}:x:{os.getuid()}:{os.getgid()}::{self.home}:{shell}", *kept])
        _write_in_place(self.folder / "shells", [shell])  # dropbear lets nobody in whose shell is not listed
        _write_in_place(self.folder / "shadow", [f"{user}:{shadow}"], 0o600)

    def __enter__(self) -> "LoginBoard":
        self.home.mkdir(parents=True)
        self.folder.chmod(0o755)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / "client_key")],
            check=True,
            timeout=60,
        )
        self.set_up()
        public = self._make_host_key()
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self._port} {public}\n")
        mounts = " && ".join(
            f"mount --bind {self.folder}/{name} /etc/{name}" for name in ("passwd", "shells", "shadow")
        )
        with (self.folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["unshare", "-m", "sh", "-c", f'{mounts} && exec "$@"', "sh", *self._command()],
                stdin=subprocess.DEVNULL,
                stderr=log,
                stdout=log,
                env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
            )
        self._wait_for_banner()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(20)

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def _make_host_key(self) -> str:
        """The public half of a new host key."""
        key = self.folder / "host_key"
        if self._kind == "openssh":
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=60)
            return " ".join(key.with_name("host_key.pub").read_text().split()[:2])
        made = subprocess.run(
            ["dropbearkey", "-t", "ed25519", "-f", str(key)], check=True, capture_output=True, text=True, timeout=60
        )
        line = next(line for line in made.stdout.splitlines() if line.startswith("ssh-"))
        return " ".join(line.split()[:2])

    def _command(self) -> list[str]:
        if self._kind == "dropbear":
            assert self._dropbear is not None
            at = f"127.0.0.1:{self._port}"
            return [self._dropbear, "-F", "-E", "-m", "-p", at, "-r", str(self.folder / "host_key"), *self._options]
        assert SSHD is not None
        config = self.folder / "sshd_config"
        config.write_text(
            "\n".join(
                [
                    *self._options,
                    f"Port {self._port}",
                    "ListenAddress 127.0.0.1",
                    f"HostKey {self.folder}/host_key",
                    "PidFile none",
                    f"AuthorizedKeysFile {self.home}/.ssh/authorized_keys",
                    "UsePAM no",
                    "StrictModes no",
                    "Subsystem sftp internal-sftp",
                    "PermitRootLogin yes",
                    "PrintLastLog no",
                    "",
                ]
            )
        )
        Path("/run/sshd").mkdir(exist_ok=True)
        return [SSHD, "-D", "-e", "-f", str(config)]

    def _wait_for_banner(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 2) as connection:
                connection.settimeout(2)
                if connection.recv(4) == b"SSH-":
                    return
            time.sleep(0.02)
        raise AssertionError(f"{self._kind} did not start: {self.log}")


@contextlib.contextmanager
def login_board(
    folder: Path, kind: str = "openssh", options: Sequence[str] = (), dropbear: str | None = DROPBEAR
) -> Iterator[LoginBoard]:
    """A running one, or a loud skip where it cannot be had."""
    require_namespaces()
    if kind == "dropbear" and (dropbear is None or DROPBEAR is None):
        pytest.skip("dropbear is not installed (apt-get install dropbear-bin): not tested against it")
    with LoginBoard(folder, kind, options, dropbear) as board:
        yield board


def _write_in_place(path: Path, lines: list[str], mode: int = 0o644) -> None:
    """The file stays the same one: it is mounted elsewhere."""
    with path.open("w") as file:
        file.write("\n".join(lines) + "\n")
    path.chmod(mode)
