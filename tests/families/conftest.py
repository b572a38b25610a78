"""What libraries of detectors predict and decode by themselves: each beside its own Python, or over edgeproof's."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeproof.errors import OdapiEnvironmentError, UsageError
from edgeproof.fetch.pip import PipDownloadError
from edgeproof.odapi.environment import ensure_environment
from tests.support.library_records import LibraryRecord
from tests.support.places import BUILT

_HERE = Path(__file__).parent
_RECORDER = _HERE / "record_library.py"
_ROOMS = BUILT / "families"
_OF_THE_API = ("model-maker", "odapi")
_OF_TORCH = ("torchvision-ssd300", "torchvision-ssdlite", "torchvision-retinanet")


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], LibraryRecord]:
    """What the library of a family (a key of record_library.py's RECORDERS) predicts and decodes."""
    folder = tmp_path_factory.mktemp("families")

    def recorded(family: str) -> LibraryRecord:
        out = folder / f"{family}.npz"
        if not out.exists():
            python, search = _room(family)
            environment = {**os.environ, "PYTHONPATH": search}
            command = [python, _RECORDER, family, str(out)]
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment)
            if done.returncode:
                pytest.fail(f"{family} could not be recorded:\n{done.stderr[-4000:]}", pytrace=False)
        return LibraryRecord.read(out)

    return recorded


def _room(family: str) -> tuple[Path, str]:
    """The interpreter that the family's library runs in, and where it is found."""
    if family in _OF_THE_API:
        return _api_python(), ""
    if family in _OF_TORCH:
        folder = _made("torchvision", _make_environment)
        return folder / "bin" / "python", ""
    return Path(sys.executable), str(_made("keras", _make_folder))


def _api_python() -> Path:
    try:
        return ensure_environment()
    except UsageError as error:
        reason = str(error).splitlines()[0]
    except OdapiEnvironmentError as error:
        if not isinstance(error.__cause__, PipDownloadError) or error.__cause__.hash_mismatch:
            raise
        reason = str(error.__cause__).splitlines()[-1]
    pytest.skip(f"comparison with the Object Detection API's decoder: {reason}")


def _made(name: str, make: Callable[[Path, Path], None]) -> Path:
    """A folder with what requirements/NAME.txt lists, made whole or not at all, and kept."""
    requirements = _HERE / "requirements" / f"{name}.txt"
    folder = _ROOMS / f"{name}-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    for old in _ROOMS.glob(f"{name}-*"):
        shutil.rmtree(old, ignore_errors=True)
    _ROOMS.mkdir(parents=True, exist_ok=True)
    try:
        make(folder, requirements)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"comparison with the libraries of {requirements.name}: {error.stderr.strip().splitlines()[-1]}")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _make_environment(folder: Path, requirements: Path) -> None:
    _run(sys.executable, "-m", "venv", folder)
    _run(folder / "bin" / "python", "-m", "pip", "install", "-q", "--only-binary=:all:", "-r", requirements)


def _make_folder(folder: Path, requirements: Path) -> None:
    _run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder, "-r", requirements)


def _run(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
