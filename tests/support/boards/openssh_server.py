"""OpenSSH's own server, on the loopback, without root's help: it logs in as the user who runs the tests."""

import getpass
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import IO

from edgeproof.config.boards import BoardProfile

SSHD = shutil.which("sshd") or ("/usr/sbin/sshd" if Path("/usr/sbin/sshd").exists() else None)
_START_SECONDS = 20.0


class OpenSshBoard:
    """A board behind `sshd`, with a home folder of its own; use it as a context."""

    def __init__(self, folder: Path, python: str, address: str = "127.0.0.1") -> None:
        self.folder = folder
        self.address = address
        self.home = folder / "home"
        self._python = python
        self._port = _free_port(address)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def profile(self) -> BoardProfile:
        return BoardProfile(
            name="openssh",
            host=self.address,
            user=getpass.getuser(),
            port=self._port,
            identity_file=str(self.folder / "client_key"),
            known_hosts=str(self.folder / "known_hosts"),
            python=self._python,
        )

    def __enter__(self) -> "OpenSshBoard":
        assert SSHD is not None
        self.home.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        for name in ("client_key", "host_key"):
            for path in (self.folder / name, self.folder / f"{name}.pub"):
                path.unlink(missing_ok=True)
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)], check=True, timeout=60
            )
        (self.folder / "authorized_keys").write_bytes((self.folder / "client_key.pub").read_bytes())
        (self.folder / "authorized_keys").chmod(0o600)
        key = " ".join((self.folder / "host_key.pub").read_text().split()[:2])
        (self.folder / "known_hosts").write_text(f"[{self.address}]:{self._port} {key}\n")
        (self.folder / "sshd_config").write_text(
            f"Port {self._port}\nListenAddress {self.address}\nHostKey {self.folder}/host_key\nPidFile none\n"
            f"AuthorizedKeysFile {self.folder}/authorized_keys\nAuthenticationMethods publickey\nUsePAM no\n"
            f"StrictModes no\nSubsystem sftp internal-sftp\nSetEnv HOME={self.home}\nPermitRootLogin yes\n"
        )
        self._start()
        return self

    def _start(self) -> None:
        separation = Path("/run/sshd")
        if getpass.getuser() == "root":
            separation.mkdir(exist_ok=True)
        with (self.folder / "sshd.log").open("wb") as log:
            self.process = self._serve(log)
        self._wait_for_banner()

    def _serve(self, log: IO[bytes]) -> "subprocess.Popen[bytes]":
        assert SSHD is not None
        command = [SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log)

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(20)

    def _wait_for_banner(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            try:
                with socket.create_connection((self.address, self._port), 2) as connection:
                    connection.settimeout(2)
                    if connection.recv(4) == b"SSH-":
                        return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"sshd did not start: {(self.folder / 'sshd.log').read_text()}")


def _free_port(address: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
