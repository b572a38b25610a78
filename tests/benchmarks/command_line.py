"""The whole command against what a user types instead: `detect` of one photo, and `push`, over OpenSSH on the loopback.

Both sides log in with the same key, cipher and key exchange.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgeproof.board.deploy import choose_runtime, push_bundle
from edgeproof.board.link.local import base_python
from edgeproof.board.open_board import open_board
from edgeproof.board.provision import provision
from edgeproof.bundle import Bundle, open_bundle
from edgeproof.convert.export import export
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.variants import Variant
from edgeproof.sample.pedestrian import fetch_pedestrian
from tests.benchmarks.interleaved import measure
from tests.support.boards.openssh_server import SSHD, OpenSshBoard

_MODULES = {"tflite-runtime": "tflite_runtime", "ai-edge-litert": "ai_edge_litert"}
_SCRIPT = """\
import sys
import cv2
import numpy as np
from {module}.interpreter import Interpreter

picture = cv2.imdecode(np.frombuffer(sys.stdin.buffer.read(), np.uint8), cv2.IMREAD_COLOR)
interpreter = Interpreter("{model}", num_threads=2)
interpreter.allocate_tensors()
(entry,) = interpreter.get_input_details()
resized = cv2.cvtColor(cv2.resize(picture, (300, 300)), cv2.COLOR_BGR2RGB)
interpreter.set_tensor(entry["index"], resized[np.newaxis].astype(entry["dtype"]))
interpreter.invoke()
boxes, classes, scores, count = (interpreter.get_tensor(out["index"]) for out in interpreter.get_output_details())
for index in range(int(count.flat[0])):
    if scores.flat[index] >= 0.5:
        print(classes.flat[index], scores.flat[index], *boxes[0, index])
"""


@dataclass
class _User:
    """Someone at the terminal, with `edgeproof` on one hand and OpenSSH's clients on the other."""

    server: OpenSshBoard
    folder: Path

    def edgeproof(self, *arguments: str) -> None:
        # pip compiles what it installs; a development checkout may never be compiled, which costs 50 ms a command.
        environment = {
            **os.environ,
            "PYTHONPYCACHEPREFIX": str(self.folder / "compiled"),
            "PYTHONDONTWRITEBYTECODE": "",
        }
        environment["EDGEPROOF_CONFIG"] = str(self.folder / "edgeproof.toml")
        command = [sys.executable, "-m", "edgeproof", *arguments]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)

    def ssh(self, command: str, data: Path) -> None:
        profile = self.server.profile
        with data.open("rb") as sent:
            target = f"{profile.user}@{profile.host}"
            words = ["ssh", "-p", str(profile.port), *self._options(), target, command]
            subprocess.run(words, check=True, stdin=sent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def scp(self, file: Path) -> None:
        profile = self.server.profile
        target = f"{profile.user}@{profile.host}:{self.server.home}/model.tflite"
        subprocess.run(["scp", "-q", "-P", str(profile.port), *self._options(), str(file), target], check=True)

    def _options(self) -> list[str]:
        profile = self.server.profile
        options = ["-F", "none", "-i", str(profile.identity_file), "-o", f"UserKnownHostsFile={profile.known_hosts}"]
        algorithms = ["-c", "aes128-gcm@openssh.com", "-o", "KexAlgorithms=curve25519-sha256"]
        return [*options, "-o", "IdentitiesOnly=yes", *algorithms]

    def write_config(self) -> None:
        profile = self.server.profile
        (self.folder / "edgeproof.toml").write_text(
            f'[boards.bench]\nhost = "{profile.host}"\nuser = "{profile.user}"\nport = {profile.port}\n'
            f'identity_file = "{profile.identity_file}"\nknown_hosts = "{profile.known_hosts}"\n'
            f'python = "{profile.python}"\n'
        )


def main() -> None:
    if SSHD is None:
        sys.stderr.write("sshd is not installed: the command line was not measured against ssh and scp\n")
        return
    folder = Path("build/bench/command_line").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    sample = fetch_pedestrian(Path("build/bench/sample"))
    options = ExportOptions(name=sample.name, labels=sample.labels)
    variants = (Variant.INT8, Variant.FLOAT32)
    bundle, large = export(sample.model, folder / "bundles", variants, sample.calibration, options)
    with OpenSshBoard(folder, base_python()) as server, tempfile.TemporaryDirectory() as scratch:
        user = _User(server, Path(scratch))
        user.write_config()
        with open_board(server.profile) as board:
            provision(board)
            push_bundle(board, open_bundle(bundle.path), "bench")
            runtime = choose_runtime(board)
        _detect(user, sample.photos[0], bundle.path / "model.tflite", runtime.path, _MODULES[runtime.name])
        _push(user, large)


def _detect(user: _User, photo: Path, model: Path, runtime: str, module: str) -> None:
    script = user.folder / "detect.py"
    script.write_text(_SCRIPT.format(model=model, module=module))
    arguments = ("bench", str(photo), "--app", "bench", "--out", str(user.folder / "out"))
    measure(
        "detect one photo on a board, OpenSSH on the loopback",
        {
            "ssh BOARD python detect.py": lambda: user.ssh(f"{runtime}/venv/bin/python {script}", photo),
            "edgeproof detect": lambda: user.edgeproof("detect", *arguments),
        },
        rounds=15,
    )


def _push(user: _User, model: Bundle) -> None:
    """The float32 model, 12 MB, to a board that has nothing like it; it runs there once before the app is switched."""

    def forget() -> None:
        for name in ("apps", "bundles", "chunks"):
            shutil.rmtree(user.server.home / ".edgeproof" / name, ignore_errors=True)

    measure(
        f"push {model.size_bytes / 1e6:.0f} MB to a board that lacks them, OpenSSH on the loopback",
        {
            "scp": lambda: user.scp(model.model_path),
            "edgeproof push": lambda: user.edgeproof("push", "bench", str(model.path)),
        },
        rounds=15,
        before=forget,
    )


if __name__ == "__main__":
    main()
