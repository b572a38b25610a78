"""Fixtures of all tests: a tiny SSD and its bundles, made once by the real reader and converter in another process."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib import metadata
from pathlib import Path

import pytest

from tests.support.places import BUILT, ROOT

_TINY_SSD = ROOT / "tests" / "support" / "networks" / "tiny_ssd.py"
_CACHE = BUILT


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--thorough", action="store_true", help="Also what takes long: see `make soak`.")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "tensorflow: imports TensorFlow into the process of the tests.")
    config.addinivalue_line(
        "markers", "slow: a whole export, or thousands of simulated runs; `make quick` leaves it out."
    )
    config.addinivalue_line("markers", "thorough: takes long and is run by `make soak` alone.")
    config.addinivalue_line("markers", "network: fetches a sample, unless it is in the cache.")
    # No test writes into the history of whoever runs it.
    os.environ["EDGEPROOF_HISTORY"] = str(Path(tempfile.gettempdir()) / f"edgeproof-tests-{os.getpid()}.sqlite3")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--thorough"):
        return
    left = [item for item in items if item.get_closest_marker("thorough")]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


def pytest_unconfigure() -> None:
    for path in Path(tempfile.gettempdir()).glob(f"edgeproof-tests-{os.getpid()}.sqlite3*"):
        path.unlink()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names what did not run here, so that a green run is not taken for more than it is."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix("Skipped: ")] += 1
    if reasons:
        terminalreporter.section("NOT RUN ON THIS MACHINE", yellow=True, bold=True)
        for reason, count in reasons.most_common():
            terminalreporter.write_line(f"{count:4d}  {reason}")
    passed = terminalreporter.stats.get("passed", [])
    points = sum(
        int(str(value)) for report in passed for name, value in report.user_properties if name == "fault_points"
    )
    if points:
        terminalreporter.write_line(f"faults injected: {points}; after each the board served a whole bundle")


@pytest.fixture(scope="session")
def thorough(request: pytest.FixtureRequest) -> bool:
    """Whether to take the time for all of it."""
    return bool(request.config.getoption("--thorough"))


@pytest.fixture(scope="session")
def tiny_ssd_folder() -> Path:
    """The tiny SSD with labels.txt, pictures/ and bundles/, kept until anything it is made from changes."""
    folder = _CACHE / f"tiny-ssd-{_tiny_ssd_digest()}"
    if not folder.is_dir():
        _drop_old_caches()
        _CACHE.mkdir(parents=True, exist_ok=True)
        partial = _CACHE / f"{folder.name}.partial-{os.getpid()}"
        try:
            built = subprocess.run([sys.executable, str(_TINY_SSD), str(partial)], capture_output=True, text=True)
            if built.returncode:
                pytest.fail(f"the tiny SSD could not be built:\n{built.stderr[-4000:]}", pytrace=False)
            # Another run may have been quicker.
            if not folder.is_dir():
                partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return folder


@pytest.fixture(scope="session")
def tiny_frozen_graph(tiny_ssd_folder: Path) -> Path:
    """A TensorFlow 1 frozen graph with the node names of the Object Detection API."""
    return tiny_ssd_folder / "tiny_ssd.pb"


@pytest.fixture(scope="session")
def tiny_pictures(tiny_ssd_folder: Path) -> Path:
    """The folder of pictures that the tiny SSD was calibrated with."""
    return tiny_ssd_folder / "pictures"


@pytest.fixture(scope="session")
def tiny_bundles(tiny_ssd_folder: Path) -> dict[str, Path]:
    """The tiny SSD's bundles by the name of their variant. Copy one before changing it."""
    return {path.name: path for path in sorted((tiny_ssd_folder / "bundles").iterdir())}


@pytest.fixture(scope="session")
def tiny_raw_bundles(tiny_ssd_folder: Path) -> dict[str, Path]:
    """The same with raw heads, which the agent decodes: float32 and int8."""
    return {path.name: path for path in sorted((tiny_ssd_folder / "raw").iterdir())}


def _drop_old_caches() -> None:
    """Yesterday's: one of today may be in use by another run of the tests."""
    for old in _CACHE.glob("tiny-ssd-*"):
        if time.time() - old.stat().st_mtime > 24 * 3600:
            shutil.rmtree(old, ignore_errors=True)


def _tiny_ssd_digest() -> str:
    """Over all code and tools that make it, so that a stale one is never used."""
    host, agent = ROOT / "host" / "edgeproof", ROOT / "device" / "edgeproof_agent"
    files = [_TINY_SSD, host / "bundle.py"]
    files += sorted(
        [*(agent / "wire").rglob("*.py"), *(agent / "bundle").rglob("*.py"), *(agent / "detection").rglob("*.py")]
    )
    files += sorted(
        [*(host / "ssd").rglob("*.py"), *(host / "tflite").rglob("*.py"), *(host / "convert").rglob("*.py")]
    )
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    for tool in ("tensorflow", "numpy", "opencv-python-headless"):
        digest.update(f"{tool} {metadata.version(tool)}".encode())
    return digest.hexdigest()[:16]
