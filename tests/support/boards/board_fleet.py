"""Many light boards on this machine: one process serves them all, homes share their runtimes by hard links."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncssh

from edgeproof.board.link.local import base_python
from edgeproof.board.open_board import open_board
from edgeproof.board.provision import provision
from edgeproof.config.boards import BoardProfile
from edgeproof.demo.ssh_server import USER
from edgeproof_agent.store.objects import STORE_FOLDER
from tests.support.boards import board_fleet_server
from tests.support.places import BUILT, ROOT

_STOP_SECONDS = 10.0
# A file system of its own, of few kilobytes, in the place where a push arrives: what does not fit gets ENOSPC.
_FULL_DISK = """#!/bin/sh
export REAL_PYTHON='{python}'
exec unshare --map-root-user --mount sh -c '
  mkdir -p "$HOME/.edgeproof/incoming" &&
  mount -t tmpfs -o size=16k none "$HOME/.edgeproof/incoming" && exec "$REAL_PYTHON" "$@"' sh "$@"
"""


def can_fill_a_disk() -> bool:
    """Whether this machine lets a user have a file system of his own."""
    command = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


class BoardFleet:
    """`faults`: number of a board to `refuse`, `hang`, `die`, `disk` or `key`. `tags`: number to tags of its own."""

    def __init__(
        self,
        folder: Path,
        count: int,
        faults: Mapping[int, str] | None = None,
        tags: Mapping[int, Sequence[str]] | None = None,
        template: Path | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.names = [f"board-{number:03}" for number in range(count)]
        self.faults = faults or {}
        self._tags = tags or {}
        self._template = template
        self._python = base_python()
        self._server: subprocess.Popen[str] | None = None
        self.profiles: list[BoardProfile] = []

    @property
    def pid(self) -> int:
        """Of the process that serves them all."""
        assert self._server is not None
        return self._server.pid

    def home(self, number: int) -> Path:
        return self.folder / "homes" / self.names[number]

    def __enter__(self) -> "BoardFleet":
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "homes").mkdir(parents=True)
        self.folder.chmod(0o700)
        client = _write_key(self.folder / "client_key")
        (self.folder / "authorized_keys").write_text(client.export_public_key().decode())
        full = self.folder / "python-on-a-full-disk"
        full.write_text(_FULL_DISK.format(python=self._python))
        full.chmod(0o755)
        keys = []
        for number in range(len(self.names)):
            self._make_home(number)
            keys.append(_write_key(self.folder / f"host_key_{number}"))
        self._start()
        known = []
        for number, profile in enumerate(self.profiles):
            key = keys[number] if self.faults.get(number) != "key" else keys[number - 1]
            known.append(f"[127.0.0.1]:{profile.port} {key.export_public_key().decode()}")
        (self.folder / "known_hosts").write_text("".join(known))
        return self

    def _make_home(self, number: int) -> None:
        home = self.home(number)
        home.mkdir()
        if self._template is None:
            return
        subprocess.run(["cp", "-al", str(self._template / STORE_FOLDER), str(home)], check=True)
        for path in (home / STORE_FOLDER).iterdir():
            if path.is_file():
                path.unlink()  # a lock: one file would be one for all boards

    def _start(self) -> None:
        boards = [
            {"home": str(self.home(n)), "host_key": str(self.folder / f"host_key_{n}"), "fault": self.faults.get(n)}
            for n in range(len(self.names))
        ]
        told = self.folder / "boards.json"
        told.write_text(json.dumps({"boards": boards, "python_folder": str(Path(self._python).parent)}))
        self._server = subprocess.Popen(
            [sys.executable, "-m", board_fleet_server.__name__, str(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )
        assert self._server.stdout is not None
        ports = json.loads(self._server.stdout.readline())
        self.profiles = [
            BoardProfile(
                name=name,
                host="127.0.0.1",
                user=USER,
                port=port,
                identity_file=str(self.folder / "client_key"),
                known_hosts=str(self.folder / "known_hosts"),
                python=str(self.folder / "python-on-a-full-disk") if self.faults.get(n) == "disk" else self._python,
                tags=tuple(self._tags.get(n, ())),
            )
            for n, (name, port) in enumerate(zip(self.names, ports, strict=True))
        ]

    def write_config(self, folder: Path, more: str = "") -> Path:
        """An edgeproof.toml that knows every board."""
        path = folder / "edgeproof.toml"
        tables = [more] + [
            f'[boards.{board.name}]\nhost = "{board.user}@{board.host}"\nport = {board.port}\n'
            f'identity_file = "{board.identity_file}"\nknown_hosts = "{board.known_hosts}"\n'
            f'python = "{board.python}"\ntags = {json.dumps(board.tags)}\n'
            for board in self.profiles
        ]
        path.write_text("\n".join(tables))
        return path

    def __exit__(self, *_: object) -> None:
        if self._server is None:
            return
        assert self._server.stdin is not None
        self._server.stdin.close()
        try:
            self._server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        assert self._server.stdout is not None
        self._server.stdout.close()


def provisioned_home(runtime: str = "ai-edge-litert") -> Path:
    """A home with a runtime, kept between test runs; others are made of hard links to it."""
    folder = BUILT / "boards" / "fleet-template"
    home = folder / "home"
    with BoardFleet(folder / "board", 1) as fleet, open_board(fleet.profiles[0]) as board:
        if home.is_dir():
            digests = {path.name for path in (home / STORE_FOLDER / "runtimes").iterdir()}
            from edgeproof.board.runtime.releases import fitting_releases

            wanted = {release.digest(board.store.facts) for release in fitting_releases(board.store.facts)}
            from edgeproof.board.store.agent_object import agent_object

            if digests & wanted and (home / STORE_FOLDER / "agents" / agent_object().digest).is_dir():
                return home
        provision(board, [runtime])
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(fleet.home(0), home, symlinks=True)
    return home


def _write_key(path: Path) -> asyncssh.SSHKey:
    key = asyncssh.generate_private_key("ssh-ed25519")
    path.touch(mode=0o600)
    key.write_private_key(str(path))
    return key
