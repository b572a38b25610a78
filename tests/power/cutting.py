"""Power cuts at random instants of what changes a board's store, on an emulated machine with a disk that forgets."""

import contextlib
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.virtual_board.board import VirtualBoard, artefacts
from deploy.virtual_board.recipe import Suite
from deploy.virtual_board.root_file_system import DISK_IMAGE
from edgeproof.board.deploy import open_session, push_bundle, roll_back, send_bundle
from edgeproof.board.open_board import OpenBoard, open_board
from edgeproof.board.provision import provision
from edgeproof.board.prune import prune
from edgeproof.bundle import Bundle
from edgeproof.errors import EdgeproofError
from edgeproof_agent.store.objects import Kind
from tests.power.served import ServedApp
from tests.support.volatile_disk import VolatileDisk
from tests.support.whole_bundles import tune

APP, RUNTIME, OTHER_RUNTIME = "powered", "tflite-runtime", "ai-edge-litert"
STRAYS = 3
"""Bundles without an app, for `prune`."""
_LINES = 60
"""That a service writes down and a host pulls while it may be cut."""
_KEPT_SHARES = (0.0, 0.0, 0.5, 0.9)
"""Of what was not flushed: a drive may have written none of it, or any part in any order."""

_EAGER_SHARE = 0.5
_EAGER = "cd /proc/sys/vm && echo 5 > dirty_writeback_centisecs && echo 5 > dirty_expire_centisecs"


@dataclass
class Promise:
    """What the board has answered that it serves, and what it was asked for since."""

    current: str = ""
    asked: str = ""


@dataclass
class Tally:
    cuts: Counter[str] = field(default_factory=Counter)
    """By operation."""
    within: Counter[str] = field(default_factory=Counter)
    """Those that fell ahead of the operation's answer."""
    done: Counter[str] = field(default_factory=Counter)
    """Those of which the board served what had been asked for and not answered."""
    lost_blocks: int = 0
    service_lines: int = 0
    broken_tails: int = 0
    in_full_run: int = 0
    """Of the services: see `ServedApp`."""
    seconds: float = 0.0
    boot_seconds: float = 0.0

    def lines(self) -> Iterator[str]:
        yield f"{'operation':10} {'cuts':>5} {'before its answer':>18} {'and yet done':>13}"
        for name, count in self.cuts.items():
            yield f"{name:10} {count:5} {self.within[name]:18} {self.done[name]:13}"
        total = sum(self.cuts.values())
        yield f"{total} power cuts survived; of the disk's cache {self.lost_blocks} blocks of 4 KiB were lost"
        if self.service_lines:
            yield f"{self.service_lines} lines of the service came home, each once; {self.in_full_run} of its cuts fell"
            yield f"when lines of that run were home already, and {self.broken_tails} left a part of a line"
        yield f"{self.seconds / total:.1f} s a cut, {self.boot_seconds / total:.1f} s of them booting"


class PoweredBoard:
    """A board whose power is cut again and again; its disk lives on."""

    def __init__(self, suite: Suite, folder: Path, bundle: Bundle, picture: Path, seed: int) -> None:
        self.virtual = VirtualBoard(folder / "board", suite)
        self.disk = VolatileDisk(artefacts(suite)[1].get() / DISK_IMAGE, folder)
        self.tally = Tally()
        self._folder, self._bundle, self._picture = folder, bundle, picture
        self._served = ServedApp(self.virtual, APP, picture, folder / "found")
        self._chance = random.Random(seed)
        self._made = 0
        self._promise = Promise()
        self._seconds: dict[str, float] = {}

    def __enter__(self) -> "PoweredBoard":
        self.disk.__enter__()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.virtual.stop()
        self.disk.__exit__(None, None, None)

    def start(self) -> None:
        """Every other time, as the dice fall, the kernel writes out early what nobody has asked to be written: then
        the disk holds parts of what is not complete."""
        self.virtual.start(bound=True, disk=self.disk.url)
        if self._chance.random() < _EAGER_SHARE:
            command = self.virtual.ssh_command([_EAGER], "root")
            subprocess.run(command, check=True, capture_output=True, timeout=60)

    def cut(self, kept_share: float) -> int:
        """Takes disk and machine the power; returns how many blocks were lost."""
        lost = self.disk.cut(self._chance, kept_share)
        self.virtual.kill()
        return lost

    def prepare(self, names: Collection[str]) -> None:
        """A runtime, or both, and two bundles to go back and forth between. A service is run once uncut: as long as it
        is taken for shorter than it is, all cuts fall into its start."""
        with open_board(self.virtual.profile) as board:
            provision(board, [RUNTIME, OTHER_RUNTIME] if "provision" in names else [RUNTIME])
            for _ in range(2):
                self._push(board)
            if "service" in names:
                self._describe_service(board)
                started = time.monotonic()
                self._serve(board)
                self._seconds["service"] = time.monotonic() - started
                self._served.stop()
                self._served.assert_home(board)

    def survive(self, name: str) -> None:
        """Cuts the power at a random instant of an operation, boots, and asserts that the board is well."""
        operation = OPERATIONS[name]
        begun = time.monotonic()
        with open_board(self.virtual.profile) as board:
            operation.ready(self, board)
            length = self._seconds.setdefault(name, operation.about_seconds)
            answered, started = False, time.monotonic()
            with self._cut_within(length), contextlib.suppress(EdgeproofError, OSError):
                operation.run(self, board)
                answered = True
                self._seconds[name] = 0.5 * (length + time.monotonic() - started)
        self.tally.cuts[name] += 1
        self.tally.within[name] += not answered
        down = time.monotonic()
        self.start()
        up = time.monotonic()
        self.assert_well(name)
        self.tally.boot_seconds += up - down
        self.tally.seconds += time.monotonic() - begun

    @contextlib.contextmanager
    def _cut_within(self, seconds: float) -> Iterator[None]:
        instant, kept_share = self._chance.uniform(0, 1.05 * seconds), self._chance.choice(_KEPT_SHARES)

        def strike() -> None:
            self.tally.lost_blocks += self.cut(kept_share)

        timer = threading.Timer(instant, strike)
        timer.start()
        try:
            yield
        finally:
            timer.join()

    def assert_well(self, name: str) -> None:
        """`current` is what was promised, whole and running; all that is there is whole, and the next push succeeds."""
        promise = self._promise
        with open_board(self.virtual.profile) as board:
            current = board.store.inventory.apps[APP].current
            assert current in (promise.current, promise.asked or promise.current), f"{name}: {current}, {promise}"
            self.tally.done[name] += current != promise.current
            promise.current, promise.asked = current, ""
            for digest in board.store.inventory.bundles:
                assert board.store.verify(digest), f"{name}: bundle {digest} is not whole"
            there = {runtime.name for runtime in board.store.inventory.runtimes}
            assert RUNTIME in there
            for runtime in there if name == "provision" else {RUNTIME}:
                with open_session(board, runtime) as session:
                    session.load(board.store.path(Kind.BUNDLE, current))
                    (result,) = session.detect([(self._picture.name, self._picture.read_bytes())])
                    assert not result.error, f"{name}: {result.error}"
            if name == "provision":
                provision(board, [OTHER_RUNTIME])
            if name == "service":
                self._assert_service_well(board)
            self._push(board)
            app = board.store.refresh().apps[APP]
            assert (app.current, app.previous) == (promise.current, current)
        assert "EXT4-fs error" not in self.virtual.console.read_text(errors="replace")

    def _new_bundle(self) -> Bundle:
        self._made += 1
        return tune(self._bundle, self._folder / f"bundle-{self._made}", self._made)

    def _push(self, board: OpenBoard) -> None:
        bundle = self._new_bundle()
        self._promise.asked = bundle.digest
        push_bundle(board, bundle, APP, RUNTIME)
        self._promise.current, self._promise.asked = bundle.digest, ""

    def _send_strays(self, board: OpenBoard) -> None:
        for _ in range(STRAYS):
            send_bundle(board.store, self._new_bundle())

    def _prune(self, board: OpenBoard) -> None:
        prune(board.store)

    def _roll_back(self, board: OpenBoard) -> None:
        for _ in range(2):
            self._promise.asked = str(board.store.refresh().apps[APP].previous)
            roll_back(board, APP)
            self._promise.current, self._promise.asked = self._promise.asked, ""

    def _switch(self, board: OpenBoard) -> None:
        """Ten times there and back: one takes a few milliseconds."""
        state = board.store.refresh().apps[APP]
        assert state.previous is not None
        there, back = state.previous, self._promise.current
        for _ in range(10):
            for digest in (there, back):
                self._promise.asked = digest
                board.store.switch(APP, digest)
                self._promise.current, self._promise.asked = digest, ""

    def _drop_other_runtime(self, board: OpenBoard) -> None:
        kept = [runtime.digest for runtime in board.store.inventory.runtimes if runtime.name == RUNTIME]
        board.store.drop_unwanted({Kind.RUNTIME: kept}, dry_run=False)
        board.store.refresh()

    def _provision(self, board: OpenBoard) -> None:
        provision(board, [OTHER_RUNTIME])

    def _describe_service(self, board: OpenBoard) -> None:
        self._served.describe(board, RUNTIME)

    def _serve(self, board: OpenBoard) -> None:
        """From its start, through its bundle's trial, to lines that are pulled as they come."""
        self._served.start()
        self._served.pull_until(board, _LINES)

    def _assert_service_well(self, board: OpenBoard) -> None:
        """Started again it goes on in the same log."""
        self._served.assert_unbroken()
        self._served.start()
        self._served.pull_until(board, _LINES)
        self._served.stop()
        self._served.assert_home(board)
        self.tally.service_lines, self.tally.broken_tails = self._served.lines, self._served.broken_tails
        self.tally.in_full_run = self._served.in_full_run

    def _nothing(self, board: OpenBoard) -> None:
        """For an operation that needs no preparation."""


@dataclass(frozen=True)
class Operation:
    ready: Callable[[PoweredBoard, OpenBoard], None]
    """What is done ahead of it, and not cut."""
    run: Callable[[PoweredBoard, OpenBoard], None]
    about_seconds: float
    """A first guess; how long it is seen to take counts from then on."""


OPERATIONS: Mapping[str, Operation] = {
    "push": Operation(PoweredBoard._nothing, PoweredBoard._push, 1.0),
    "switch": Operation(PoweredBoard._nothing, PoweredBoard._switch, 0.5),
    "rollback": Operation(PoweredBoard._nothing, PoweredBoard._roll_back, 1.0),
    "prune": Operation(PoweredBoard._send_strays, PoweredBoard._prune, 0.2),
    "provision": Operation(PoweredBoard._drop_other_runtime, PoweredBoard._provision, 20.0),
    "service": Operation(PoweredBoard._describe_service, PoweredBoard._serve, 5.0),
}
TURNS = (
    *("push", "switch", "rollback", "prune", "service"),
    *("push", "service", "rollback", "prune", "switch", "provision"),
)
"""One after the other; a provisioning takes as long as all others."""
