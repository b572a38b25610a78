"""A virtual board: started, found again, stopped. `folder` holds its keys, logs and state while it exists."""

import fcntl
import json
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.virtual_board.artefacts import Artefact
from deploy.virtual_board.cpio import joined
from deploy.virtual_board.errors import VirtualBoardError
from deploy.virtual_board.kernel import INITRAMFS, KERNEL, kernel
from deploy.virtual_board.keys import CLIENT_KEY, KNOWN_HOSTS, make_keys
from deploy.virtual_board.machine import Machine
from deploy.virtual_board.process import ProcessIdentity
from deploy.virtual_board.recipe import SUITES, USER, Suite
from deploy.virtual_board.root_file_system import DISK_IMAGE, root_file_system
from deploy.virtual_board.tools import require_tools, run_tool
from edgeproof.config.boards import BoardProfile
from edgeproof.wording.progress import Progress, ProgressListener, silent

START_SECONDS = 180.0
_STOP_SECONDS = 10.0
_COPY_SECONDS = 300.0
_STATE, _CONSOLE, _QEMU_LOG = "state.json", "console.log", "qemu.log"
_TAIL_LINES = 20
"""Of the console, in an error."""


@dataclass(frozen=True)
class _State:
    pid: int
    start_ticks: int
    suite: str
    port: int


class VirtualBoard:
    """One board by its folder. As a context it is bound to this process and leaves nothing behind."""

    def __init__(self, folder: Path, suite: Suite = SUITES["bookworm"], name: str = "virtual") -> None:
        self.folder = folder.resolve()
        self.suite = suite
        self.name = name

    def __enter__(self) -> "VirtualBoard":
        self.start(bound=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def console(self) -> Path:
        """What the board's kernel and SSH server print."""
        return self.folder / _CONSOLE

    @property
    def profile(self) -> BoardProfile:
        """How to reach the board while it runs. Raises `VirtualBoardError` when it does not."""
        return self.profile_of(USER)

    def profile_of(self, user: str) -> BoardProfile:
        """The same for `pi` or `root`."""
        return BoardProfile(
            name=self.name,
            host="127.0.0.1",
            user=user,
            port=self._running().port,
            identity_file=str(self.folder / CLIENT_KEY),
            known_hosts=str(self.folder / KNOWN_HOSTS),
        )

    def configuration(self) -> str:
        """The part of an edgeproof.toml that says how to reach the board while it runs."""
        profile = self.profile
        return (
            f'[boards.{profile.name}]\nhost = "{profile.user}@{profile.host}"\nport = {profile.port}\n'
            f'identity_file = "{profile.identity_file}"\nknown_hosts = "{profile.known_hosts}"\n'
        )

    def running_suite(self) -> Suite | None:
        """What runs here, or None."""
        state = self._state()
        return SUITES[state.suite] if state else None

    def start(
        self,
        port: int | None = None,
        memory_mib: int = 1024,
        keep_disk: bool = False,
        bound: bool = False,
        disk: str | None = None,
        progress: ProgressListener = silent,
    ) -> None:
        """Builds what the cache lacks, starts the machine and waits until its SSH server speaks.

        `keep_disk` gives the board a disk of its own that outlives it (stopping is then like pulling the plug); else
        every start is from a fresh system. `disk` names another disk that keeps what is written: see `Machine.disk`.
        `bound`: it ends with this thread. Raises `VirtualBoardError`.
        """
        require_tools(self.suite.platform, to_build=False)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self.folder.with_name(f"{self.folder.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise VirtualBoardError(f"{self.name} is being started by another process") from None
            if self._state():
                raise VirtualBoardError(f"{self.name} runs already; stop it first")
            system, image = (artefact.get(progress) for artefact in artefacts(self.suite))
            self._clear(keep_disk)
            if keep_disk:
                disk = str(self._own_disk(image / DISK_IMAGE))
            self._start(system, disk or str(image / DISK_IMAGE), disk is not None, port, memory_mib, bound, progress)

    def _start(
        self,
        system: Path,
        disk: str,
        keep_changes: bool,
        port: int | None,
        memory_mib: int,
        bound: bool,
        progress: ProgressListener,
    ) -> None:
        port = port or _free_port()
        initramfs = self.folder / INITRAMFS
        initramfs.write_bytes(joined((system / INITRAMFS).read_bytes(), make_keys(self.folder, port)))
        machine = Machine(
            self.suite.platform,
            system / KERNEL,
            initramfs,
            disk,
            self.console,
            port,
            memory_mib,
            keep_changes=keep_changes,
        )
        progress(Progress(f"starting {self.name} ({self.suite.description})"))
        process = machine.start(self.folder / _QEMU_LOG, bound)
        try:
            state = _State(process.pid, process.start_ticks, self.suite.name, port)
            (self.folder / _STATE).write_text(json.dumps(asdict(state)))
            self._wait_for_banner(process, port)
        except BaseException:
            process.end(_STOP_SECONDS)
            raise

    def stop(self) -> bool:
        """Ends the machine if it runs; tells whether it did. The logs stay."""
        state = self._state()
        if state:
            ProcessIdentity(state.pid, state.start_ticks).end(_STOP_SECONDS)
        (self.folder / _STATE).unlink(missing_ok=True)
        return state is not None

    def kill(self) -> None:
        """Ends the machine at once, without a word to it or to its disk."""
        state = self._running()
        ProcessIdentity(state.pid, state.start_ticks).kill()

    def ssh_command(self, words: list[str], user: str = USER) -> list[str]:
        """An `ssh` command line that logs in, or runs `words` there, as `pi` or `root`."""
        profile = self.profile
        options = [f"UserKnownHostsFile={profile.known_hosts}", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes"]
        command = ["ssh", "-F", "none", "-i", str(profile.identity_file), "-p", str(profile.port)]
        return [*command, *(word for option in options for word in ("-o", option)), f"{user}@127.0.0.1", *words]

    def _running(self) -> _State:
        state = self._state()
        if state is None:
            raise VirtualBoardError(f"{self.name} does not run. Start it: python -m deploy.virtual_board up")
        return state

    def _state(self) -> _State | None:
        try:
            state = _State(**json.loads((self.folder / _STATE).read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return state if ProcessIdentity(state.pid, state.start_ticks).is_alive() else None

    def _clear(self, keep_disk: bool) -> None:
        """Drops what an earlier start left: keys are made anew each time."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for entry in self.folder.iterdir():
            if keep_disk and entry.name.startswith(DISK_IMAGE):
                continue
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def _own_disk(self, disk: Path) -> Path:
        own = self.folder / f"{DISK_IMAGE}.{disk.parent.name}"
        if not own.exists():
            run_tool(["cp", "--sparse=always", "--reflink=auto", disk, own], "copying the disk", _COPY_SECONDS)
        return own

    def _wait_for_banner(self, process: ProcessIdentity, port: int) -> None:
        """QEMU takes connections long before the board does: only its own word counts."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if not process.is_alive():
                raise VirtualBoardError(f"the emulator of {self.name} ended.\n{self._last_words()}")
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                    if connection.recv(4) == b"SSH-":
                        return
            except OSError:
                pass
            time.sleep(0.1)
        raise VirtualBoardError(f"{self.name} did not answer within {START_SECONDS:.0f} s.\n{self._last_words()}")

    def _last_words(self) -> str:
        return "\n".join(list(self.log_lines())[-_TAIL_LINES:])

    def log_lines(self) -> Iterator[str]:
        """QEMU's complaints, then the console."""
        for path in (self.folder / _QEMU_LOG, self.console):
            if path.is_file():
                yield from filter(None, map(str.strip, path.read_text(errors="replace").splitlines()))


def artefacts(suite: Suite) -> list[Artefact]:
    """What a board of this suite is built from."""
    return [kernel(suite.platform), root_file_system(suite)]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
