"""Builds a runtime on the board: a virtual environment, filled from wheels that the host sent."""

import importlib
import re
import sys
import sysconfig
import venv
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path
from time import monotonic
from typing import Any, Callable

from edgeproof_agent.machine.cpu_share import read_cpu_share
from edgeproof_agent.store.objects import file_sha256
from edgeproof_agent.store.shared_files import share_files
from edgeproof_agent.store.unused_files import drop_unused

WHEELS_FOLDER = "wheels"
LOCK_FILE = "requirements.lock"
ENVIRONMENT_FOLDER = "venv"
SYSTEM_PACKAGES_LINE = "# with the packages of the distribution"
"""A line of a lock whose runtime takes from the board's distribution what no wheel has."""

_INSTALLER = "installer-*.whl"
_LOCKED_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class RuntimeBuildError(Exception):
    """The environment could not be made; the message says what is wrong with which wheel."""


def build_environment(
    folder: Path, beat: Callable[[], None], timeout_seconds: float, others: Sequence[Path] = ()
) -> None:
    """Makes a virtual environment in `folder`, which holds `wheels/` and `requirements.lock`, and drops the wheels.

    The board needs neither pip nor ensurepip: PyPA's `installer`, which runs from its own wheel, unpacks the wheels
    side by side, since that is mostly decompression. Each is checked against the lock's hashes first. Nothing is
    compiled: the run that proves the runtime compiles what is used, a quarter of all modules. What the agent never
    loads is left out, and files that one of the `others` has as well, runtimes of this store, are links to those.
    `beat` is called about once a second. Raises `RuntimeBuildError`, or `OSError` when the disk is the trouble.
    """
    wheels = sorted((folder / WHEELS_FOLDER).glob("*.whl"))
    installer = next((wheel for wheel in wheels if wheel.match(_INSTALLER)), None)
    if installer is None:
        raise RuntimeBuildError("no wheel of installer came with the runtime's wheels")
    environment, end = folder / ENVIRONMENT_FOLDER, monotonic() + timeout_seconds
    pool = ThreadPoolExecutor(read_cpu_share().usable)
    try:
        _finish([pool.submit(_make_environment, folder, wheels)], beat, end)
        unpack = _unpacker(installer, environment)
        _finish([pool.submit(unpack, wheel) for wheel in wheels if wheel != installer], beat, end)
        _finish([pool.submit(_slim, folder, others, end)], beat, end)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    for wheel in wheels:
        wheel.unlink()
    (folder / WHEELS_FOLDER).rmdir()


def _finish(jobs: Sequence["Future[None]"], beat: Callable[[], None], end: float) -> None:
    """Waits for all, or for the first that fails, whose error is raised."""
    while True:
        done, waiting = wait(jobs, timeout=1, return_when=FIRST_EXCEPTION)
        for job in done:
            job.result()
        if not waiting:
            return
        if monotonic() >= end:
            raise RuntimeBuildError("unpacking the wheels took too long; is the board's storage in order?")
        beat()


def _make_environment(folder: Path, wheels: Sequence[Path]) -> None:
    lock = (folder / LOCK_FILE).read_text(encoding="utf-8")
    locked = set(_LOCKED_HASH.findall(lock))
    for wheel in wheels:
        if file_sha256(wheel) not in locked:
            raise RuntimeBuildError(f"{wheel.name} is not a wheel of the lock")
    shared = SYSTEM_PACKAGES_LINE in lock.splitlines()
    venv.EnvBuilder(clear=True, symlinks=True, system_site_packages=shared).create(folder / ENVIRONMENT_FOLDER)


def _slim(folder: Path, others: Sequence[Path], end: float) -> None:
    for packages in (folder / ENVIRONMENT_FOLDER).glob("lib/python*/site-packages"):
        drop_unused(packages)
    share_files(folder, others, lambda: monotonic() < end)


def _unpacker(installer: Path, environment: Path) -> Callable[[Path], None]:
    """Unpacks one wheel into the environment, by the library whose wheel is `installer`."""
    sys.path.insert(0, str(installer))
    try:
        install: Any = importlib.import_module("installer").install
        destinations: Any = importlib.import_module("installer.destinations")
        sources: Any = importlib.import_module("installer.sources")
    except (ImportError, AttributeError) as error:
        raise RuntimeBuildError(f"{installer.name} cannot be used: {error}") from error
    finally:
        sys.path.remove(str(installer))
    base = str(environment)
    # By name: the default scheme of Debian's Python is another one.
    scheme = sysconfig.get_paths("posix_prefix", vars={"base": base, "platbase": base, "installed_base": base})
    scheme["headers"] = scheme["include"]
    for place in ("purelib", "platlib"):  # the library makes folders one by one, and not twice
        Path(scheme[place]).mkdir(parents=True, exist_ok=True)
    destination = destinations.SchemeDictionaryDestination(scheme, str(environment / "bin/python"), "posix")

    def unpack(wheel: Path) -> None:
        try:
            with sources.WheelFile.open(wheel) as source:
                install(source, destination, additional_metadata={"INSTALLER": b"edgeproof\n"})
        except (OSError, MemoryError):
            raise
        except Exception as error:
            raise RuntimeBuildError(f"{wheel.name} cannot be unpacked: {error}") from error

    return unpack
