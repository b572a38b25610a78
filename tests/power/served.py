"""A service's process on the emulated board, which has no systemd: started as its unit starts it, and looked after."""

import itertools
import json
import shlex
import subprocess
import time
from pathlib import Path

from deploy.virtual_board.board import VirtualBoard
from edgeproof.board.deploy import choose_runtime
from edgeproof.board.open_board import OpenBoard
from edgeproof.board.service import pull_pieces
from edgeproof.board.store.agent_object import agent_object
from edgeproof.local_files.pulled_lines import PulledLines
from edgeproof_agent.serve.cpu_choice import ALL
from edgeproof_agent.store.objects import Store
from edgeproof_agent.store.services.description import USER, ServiceDescription
from edgeproof_agent.store.services.units import service_command

_WAIT_SECONDS = 120.0
_SHELL_SECONDS = 120.0
_WATCHED = "coming"
_FEED = """
rm -rf {folder}; mkdir {folder}; cat > {folder}/.picture
echo 'number=0; while [ -e {folder}/.picture ]; do
  number=$((number + 1)); cp {folder}/.picture {folder}/.new; mv {folder}/.new {folder}/$number{suffix}; sleep 0.02
done' > feed.sh
setsid sh feed.sh < /dev/null > /dev/null 2>&1 &
"""
_START = """
echo 'echo $$ > service.pid; exec {command}' > service.sh
setsid sh service.sh < /dev/null > service.txt 2>&1 &
"""
_STOP = """
rm {folder}/.picture
kill $(cat service.pid) && while kill -0 $(cat service.pid) 2> /dev/null; do sleep 0.1; done
"""


class ServedApp:
    """Pictures come into a folder of the board without an end; each gives a line, since every score counts."""

    def __init__(self, virtual: VirtualBoard, app: str, picture: Path, found: Path) -> None:
        """`found` is where all that is pulled goes, over all cuts."""
        self._virtual, self._app, self._picture, self._found = virtual, app, picture, found
        self.lines = 0
        """That came home in all."""
        self.broken_tails = 0
        """Cuts that left a part of a line behind the last one."""
        self.in_full_run = 0
        """Cuts of a run of which lines had come home."""
        self._home_bytes = 0

    def describe(self, board: OpenBoard, runtime: str) -> None:
        """As `install` leaves it on the board, on the disk."""
        agent, chosen = agent_object(), choose_runtime(board, runtime)
        board.store.send(agent, "the agent")
        self._description = ServiceDescription(
            app=self._app, scope=USER, agent=agent.digest, runtime=chosen.digest, runtime_name=chosen.name,
            stream={"source": f"watch:~/{_WATCHED}"}, min_score=0.0, log_mib=64, threads=None, cores=ALL,
            delegate=None, start_seconds=150.0, stable_seconds=0.0, tries=3, watchdog_seconds=60.0,
        )  # fmt: skip
        self._store = Store(Path(str(board.store.root)))
        folder = shlex.quote(self._folder)
        script = f"umask 077; mkdir -p {folder}; cat > {folder}/service.json; sync"
        self._shell(script, json.dumps(self._description.to_json()).encode())

    def start(self) -> None:
        """Once pictures come; returns ahead of the first line."""
        feed = _FEED.format(folder=_WATCHED, suffix=self._picture.suffix)
        self._shell(feed, self._picture.read_bytes())
        command = shlex.join(service_command(self._store, self._description)).replace("'", "'\\''")
        self._shell(_START.format(command=command))

    def stop(self) -> None:
        """As systemd would."""
        self._shell(_STOP.format(folder=_WATCHED))

    def pull_until(self, board: OpenBoard, lines: int) -> None:
        """Brings home what comes, as `service pull` does, until so many lines have come."""
        end = time.monotonic() + _WAIT_SECONDS
        left = lines
        while left > 0:
            assert time.monotonic() < end, f"no more lines came: {self._shell('tail -n 5 service.txt')!r}"
            left -= self._pull(board)

    def assert_unbroken(self) -> None:
        """After a cut and ahead of the next start: but for what follows the last line's end all of it is lines."""
        data = self._on_board()
        whole = data[: data.rfind(b"\n") + 1]
        numbered(whole)
        pulled = self._at_home()
        assert whole.startswith(pulled), "what was pulled is not what the board has"
        self.broken_tails += len(whole) < len(data)
        self.in_full_run += len(pulled) > self._home_bytes

    def assert_home(self, board: OpenBoard) -> None:
        """With the service stopped: what came home is what the board has, each frame of each run once."""
        while self._pull(board):
            pass
        pulled = self._at_home()
        assert pulled == self._on_board()
        for run in numbered(pulled):
            assert run == list(range(1, len(run) + 1)), f"frames are lost or doubled: {run}"
        self.lines, self._home_bytes = pulled.count(b"\n"), len(pulled)

    def _pull(self, board: OpenBoard) -> int:
        with PulledLines.open(self._found) as kept:
            for piece in pull_pieces(board, self._app, kept.identity, kept.next_offset):
                gap = kept.add(piece.identity, piece.offset, piece.data)
                assert gap == 0, f"{gap} bytes are gone"
            return kept.lines

    def _at_home(self) -> bytes:
        """The log keeps its identity over all cuts, so there is one file."""
        files = list(self._found.glob("*.jsonl"))
        assert len(files) <= 1, f"the log was begun anew: {files}"
        return b"".join(path.read_bytes() for path in files)

    def _on_board(self) -> bytes:
        folder = shlex.quote(self._folder)
        return self._shell(f"cd {folder} && find . -path './detections/*.jsonl' | sort | xargs -r cat")

    @property
    def _folder(self) -> str:
        return f"{self._store.root}/services/{self._app}"

    def _shell(self, script: str, given: bytes = b"") -> bytes:
        command = self._virtual.ssh_command([script])
        done = subprocess.run(command, input=given, capture_output=True, timeout=_SHELL_SECONDS)
        if done.returncode:
            raise OSError(f"exit {done.returncode}: {done.stderr!r}")
        return done.stdout


def numbered(log: bytes) -> list[list[int]]:
    """The numbers of the frames of each run. Raises where a line is broken."""
    lines = [json.loads(line) for line in log.splitlines()]
    runs: list[list[int]] = []
    for begins, of_run in itertools.groupby(lines, key=lambda line: line.get("event") == "started"):
        if begins:
            runs += [[] for _ in of_run]
        else:
            runs[-1] += [line["frame"] for line in of_run if "frame" in line]
    return runs
