"""Models that the Object Detection API itself builds and exports, in the environment that `--via-odapi` makes."""

import hashlib
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edgeproof.errors import OdapiEnvironmentError, UsageError
from edgeproof.fetch.pip import PipDownloadError
from edgeproof.odapi.environment import api_release, ensure_environment
from edgeproof.sample.pedestrian import fetch_pedestrian
from tests.support.places import BUILT

_HERE = Path(__file__).parent
_BUILD_MODEL = _HERE / "build_model.py"
_CACHE = BUILT
_TOGETHER = 2


@pytest.fixture(scope="session")
def odapi_python() -> Path:
    """The interpreter of the API's environment. Without a Python for it, or a package index, its tests do not run."""
    try:
        return ensure_environment()
    except UsageError as error:
        reason = str(error).splitlines()[0]
    except OdapiEnvironmentError as error:
        if not isinstance(error.__cause__, PipDownloadError) or error.__cause__.hash_mismatch:
            raise
        reason = str(error.__cause__).splitlines()[-1]
    pytest.skip(f"comparison with the Object Detection API itself: {reason}")


@pytest.fixture(scope="session")
def photos() -> dict[str, np.ndarray]:
    """By name, uint8 [H, W, 3] in OpenCV's BGR."""
    sample = fetch_pedestrian(_CACHE / "pedestrian" / "sample")
    return {path.stem: cv2.imread(str(path)) for path in sample.photos}


@pytest.fixture(scope="session")
def models(
    odapi_python: Path, photos: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """What build_model.py writes of each of configs/, by its name. Kept until anything that it is made from changes."""
    pictures = tmp_path_factory.mktemp("odapi") / "photos.npz"
    reversed_colours: dict[str, Any] = {name: photo[:, :, ::-1] for name, photo in photos.items()}
    np.savez(pictures, **reversed_colours)
    _CACHE.mkdir(parents=True, exist_ok=True)
    configs = sorted((_HERE / "configs").rglob("*.config"))
    with ThreadPoolExecutor(_TOGETHER) as pool:
        folders = pool.map(lambda config: _built(odapi_python, config, pictures), configs)
        return dict(zip((config.stem for config in configs), folders, strict=True))


def _built(python: Path, config: Path, pictures: Path) -> Path:
    made_from = (config.read_bytes(), _BUILD_MODEL.read_bytes(), api_release().encode())
    folder = _CACHE / f"odapi-{config.stem}-{hashlib.sha256(b''.join(made_from)).hexdigest()[:16]}"
    if not folder.is_dir():
        for old in _CACHE.glob(f"odapi-{config.stem}-*"):
            shutil.rmtree(old, ignore_errors=True)
        partial = folder.with_name(f"{folder.name}.partial-{os.getpid()}")
        partial.mkdir()
        try:
            command = [python, "-I", _BUILD_MODEL, config, pictures, partial]
            # An export that only networks are tested with that edgeproof builds itself.
            command += [] if config.parent.name == "via_odapi" else ["exported"]
            built = subprocess.run([str(part) for part in command], capture_output=True, text=True)
            if built.returncode:
                pytest.fail(f"{config.name} could not be built:\n{built.stderr[-4000:]}", pytrace=False)
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return folder
