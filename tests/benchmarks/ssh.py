"""Push and session over OpenSSH on the loopback, against scp and ssh."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "ssh"))

from openssh_server import SSHD, OpenSshBoard

from edgeproof.board.deploy import choose_runtime, open_session
from edgeproof.board.provision import provision
from edgeproof.board.store import LocalObject, describe_file
from edgeproof.demo.embedded_board import base_python
from edgeproof.runs.open_board import open_board
from edgeproof_agent.store import Kind, listing_digest
from tests.benchmarks.interleaved import measure

SIZE_BYTES = 30 << 20


def main() -> None:
    if SSHD is None:
        sys.stderr.write("sshd is not installed: push and session were not measured against scp and ssh\n")
        return
    folder = Path("build/bench/ssh").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with OpenSshBoard(folder, base_python()) as server, tempfile.TemporaryDirectory() as scratch:
        profile = server.profile
        options = ["-F", "none", "-i", str(profile.identity_file), "-o", f"UserKnownHostsFile={profile.known_hosts}"]
        options += ["-o", "IdentitiesOnly=yes", "-c", "aes128-gcm@openssh.com"]
        with open_board(profile) as board:
            provision(board.transport, board.store)
            runtime = choose_runtime(board.store, profile.name, None)
        payload = Path(scratch) / "payload.bin"

        def fresh() -> None:
            payload.write_bytes(os.urandom(SIZE_BYTES))

        def push() -> None:
            file = describe_file(payload.name, payload)
            with open_board(profile) as board:
                board.store.send(LocalObject(Kind.MEDIA, listing_digest([file]), {file: payload}), payload.name)

        def scp() -> None:
            target = f"{profile.user}@{profile.host}:{server.home}/copy.bin"
            subprocess.run(["scp", "-q", "-P", str(profile.port), *options, str(payload), target], check=True)

        def first_answer() -> None:
            with open_board(profile) as board, open_session(board.transport, board.store) as session:
                session.state()

        def ssh_import() -> None:
            module = {"tflite-runtime": "tflite_runtime", "ai-edge-litert": "ai_edge_litert"}[runtime.name]
            command = f"{runtime.path}/venv/bin/python -c 'import numpy, {module}.interpreter'"
            target = f"{profile.user}@{profile.host}"
            subprocess.run(["ssh", "-p", str(profile.port), *options, target, command], check=True)

        both = {"scp": scp, "edgeproof push": push}
        measure("30 MB that the board does not have", both, 9, before=fresh)
        measure("30 MB that the board has", both, 9)
        measure(
            "connect to first answer", {"ssh, import the runtime": ssh_import, "edgeproof session": first_answer}, 15
        )
