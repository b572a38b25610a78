"""Feeds a target with inputs and tells the first that it does not get over."""

import hashlib
import random
import resource
import signal
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgeproof.local_files.native_noise import without_native_noise
from tests.fuzz.targets import Target
from tests.support.places import ROOT

INPUT_SECONDS = 20.0
"""What one input may take, on a machine that does something else as well."""
GROWTH_MIB = 500
"""By how much the process may grow while one target is fed."""
_FINDINGS = ROOT / "build" / "fuzz"


class HangError(Exception):
    """An input took too long."""


@dataclass(frozen=True)
class Outcome:
    inputs: int
    finding: str | None = None


def feed(target: Target, seed: int, inputs: int | None = None, seconds: float | None = None) -> Outcome:
    """Feeds so many inputs, or for so long; ends at the first finding, whose input is kept in build/fuzz."""
    chance = random.Random(f"{target.name} {seed}")
    seeds = target.seeds()
    until = None if seconds is None else time.monotonic() + seconds
    before = _peak_mib()
    with tempfile.TemporaryDirectory() as folder:
        for count in range(1, (inputs or 1 << 60) + 1):
            data = target.mutate(chance, chance.choice(seeds), seeds)
            finding = _fed(target, data, Path(folder))
            if finding is None and _peak_mib() - before > GROWTH_MIB:
                finding = f"the process has grown by more than {GROWTH_MIB} MiB"
            if finding is not None:
                return Outcome(count, f"{_kept(target, data)}\n{finding}")
            if until is not None and time.monotonic() > until:
                return Outcome(count)
    return Outcome(inputs or 0)


def _fed(target: Target, data: bytes, folder: Path) -> str | None:
    try:
        with _limited(), without_native_noise():
            target.feed(data, folder)
    except target.expected:
        return None
    except Exception:  # noqa: BLE001  # whatever it is, it is a finding
        return traceback.format_exc()
    return None


@contextmanager
def _limited() -> Iterator[None]:
    def expired(*_: object) -> None:
        raise HangError(f"it took more than {INPUT_SECONDS:g} s")

    previous = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, INPUT_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _kept(target: Target, data: bytes) -> str:
    _FINDINGS.mkdir(parents=True, exist_ok=True)
    path = _FINDINGS / f"{target.name}-{hashlib.sha256(data).hexdigest()[:12]}.bin"
    path.write_bytes(data)
    return f"{path.relative_to(ROOT)}: python -m tests.fuzz --again {path.relative_to(ROOT)}"


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
