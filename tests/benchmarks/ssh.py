"""Push and session over OpenSSH, against scp and ssh: on the loopback and over a slow link (20 Mbit/s, 20 ms)."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from edgeproof.board.deploy import choose_runtime, open_session, push_bundle, send_bundle
from edgeproof.board.link.local import base_python
from edgeproof.board.open_board import open_board
from edgeproof.board.provision import provision
from edgeproof.board.prune import prune
from edgeproof.bundle import open_bundle, write_bundle
from edgeproof.config.boards import BoardProfile
from tests.benchmarks.interleaved import measure
from tests.benchmarks.slow_relay import slow_relay
from tests.support.boards.openssh_server import SSHD, OpenSshBoard
from tests.support.example_manifest import MANIFEST

_APP = "bench"
_MODULES = {"tflite-runtime": "tflite_runtime", "ai-edge-litert": "ai_edge_litert"}
_TUNED_SHARE = 0.03


@dataclass
class _Way:
    """One way to a board, and a bundle to push there."""

    profile: BoardProfile
    scratch: Path
    size_bytes: int
    random: np.random.Generator = field(default_factory=np.random.default_rng)
    payload_bytes: int = 0

    @property
    def bundle(self) -> Path:
        return self.scratch / "bundle"

    def fresh(self) -> None:
        """A model of which the board has nothing, as random as int8 weights are."""
        self._write(self._weights(self.size_bytes))
        with open_board(self.profile) as board:
            prune(board.store)

    def tuned(self) -> None:
        """The same model with another last layer, its predecessor alone on the board."""
        model = (self.bundle / "model.tflite").read_bytes()
        with open_board(self.profile) as board:
            send_bundle(board.store, open_bundle(self.bundle))
            board.store.switch(_APP, open_bundle(self.bundle).digest)
            prune(board.store)
        last = int(self.size_bytes * _TUNED_SHARE)
        self._write(model[:-last] + self._weights(last))

    def push(self) -> None:
        """Up to the bundle being verified and synced under its name; scp does no more than write."""
        bundle = open_bundle(self.bundle)
        with open_board(self.profile) as board:
            self.payload_bytes = send_bundle(board.store, bundle).payload_bytes

    def push_unchanged(self) -> None:
        bundle = open_bundle(self.bundle)
        with open_board(self.profile) as board:
            deployment = push_bundle(board, bundle, _APP)
        assert not deployment.changed

    def serve(self) -> None:
        self.push()
        with open_board(self.profile) as board:
            board.store.switch(_APP, open_bundle(self.bundle).digest)

    def scp(self) -> None:
        target = f"{self.profile.user}@{self.profile.host}:/dev/shm/edgeproof-bench.bin"
        model = str(self.bundle / "model.tflite")
        subprocess.run(["scp", "-q", "-P", str(self.profile.port), *self._options(), model, target], check=True)

    def ssh(self, command: str) -> None:
        target = f"{self.profile.user}@{self.profile.host}"
        subprocess.run(["ssh", "-p", str(self.profile.port), *self._options(), target, command], check=True)

    def _options(self) -> list[str]:
        identity, known_hosts = self.profile.identity_file, self.profile.known_hosts
        options = ["-F", "none", "-i", str(identity), "-o", f"UserKnownHostsFile={known_hosts}"]
        return [*options, "-o", "IdentitiesOnly=yes", "-c", "aes128-gcm@openssh.com"]

    def _weights(self, size_bytes: int) -> bytes:
        return np.clip(self.random.normal(0, 25, size_bytes), -127, 127).astype(np.int8).tobytes()

    def _write(self, model: bytes) -> None:
        write_bundle(self.bundle, MANIFEST, model, ["person"])


def main() -> None:
    if SSHD is None:
        sys.stderr.write("sshd is not installed: push and session were not measured against scp and ssh\n")
        return
    folder = Path("build/bench/ssh").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with OpenSshBoard(folder, base_python()) as server, tempfile.TemporaryDirectory() as scratch:
        profile = server.profile
        with open_board(profile) as board:
            provision(board)
        _pushes(_Way(profile, Path(scratch), 30 << 20), "30 MB", "loopback", rounds=11)
        _sessions(_Way(profile, Path(scratch), 0), "loopback", rounds=15)
        assert profile.port is not None
        with slow_relay(profile.port) as port:
            known_hosts = Path(str(profile.known_hosts))
            known_hosts.write_text(known_hosts.read_text().replace(f":{profile.port} ", f":{port} "))
            slow = msgspec.structs.replace(profile, port=port)
            _pushes(_Way(slow, Path(scratch), 8 << 20), "8 MB", "20 Mbit/s, 20 ms", rounds=3)
            _sessions(_Way(slow, Path(scratch), 0), "20 Mbit/s, 20 ms", rounds=5)


def _pushes(way: _Way, size: str, link: str, rounds: int) -> None:
    measure(f"{link}: {size} that the board lacks", {"scp": way.scp, "push": way.push}, rounds, before=way.fresh)
    measure(
        f"{link}: {size} of which the last 3 % differ", {"scp": way.scp, "push": way.push}, rounds, before=way.tuned
    )
    sys.stdout.write(f"{way.payload_bytes / way.size_bytes:.1%} of the bytes travelled\n")
    way.serve()
    measure(f"{link}: {size} that the board serves", {"scp": way.scp, "push": way.push_unchanged}, rounds)


def _sessions(way: _Way, link: str, rounds: int) -> None:
    with open_board(way.profile) as board:
        runtime = choose_runtime(board)

    def first_answer() -> None:
        with open_board(way.profile) as board, open_session(board) as session:
            session.state()

    def ssh_import() -> None:
        way.ssh(f"{runtime.path}/venv/bin/python -c 'import numpy, {_MODULES[runtime.name]}.interpreter'")

    alternatives = {"ssh, import the runtime": ssh_import, "session": first_answer}
    measure(f"{link}: connect to first answer", alternatives, rounds)
