"""Installs the Object Detection API into a new virtual environment, from locked requirements."""

import subprocess
from pathlib import Path

from edgeproof.errors import OdapiEnvironmentError
from edgeproof.fetch.pip import PipDownloadError, run_pip
from edgeproof.odapi.pythons import Python
from edgeproof.wording.progress import Progress, ProgressListener, ProgressUnit

API = "tf-models-research-object-detection"
LOCKS = tuple(Path(__file__).with_name(name) for name in ("tools.lock", "requirements.lock"))
"""pip and what builds the API's source distribution come first: that way nothing is fetched without a hash."""


def environment_python(folder: Path) -> Path:
    return folder / "bin" / "python"


def install(python: Python, folder: Path, progress: ProgressListener) -> None:
    """Makes the environment at `folder`, which must not be there. Raises OdapiEnvironmentError."""
    progress(Progress("making a virtual environment"))
    made = subprocess.run(
        [python.path, "-I", "-m", "venv", str(folder)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if made.returncode:
        reason = (made.stdout + made.stderr).strip() or "it gave no reason"
        raise OdapiEnvironmentError(f"{python.path} cannot make a virtual environment: {reason}")
    pip = [str(environment_python(folder)), "-I", "-m", "pip", "install", "--no-build-isolation"]
    pip += ["--only-binary=:all:", f"--no-binary={API}"]
    for lock, bar in zip(LOCKS, ("off", "raw"), strict=True):
        try:
            for event in run_pip([*pip, "--progress-bar", bar, "--requirement", str(lock)]):
                if event.installing:
                    progress(Progress("installing the Object Detection API and TensorFlow"))
                else:
                    text = f"fetching {event.requirement}"
                    progress(Progress(text, done=event.done_bytes, total=event.total_bytes, unit=ProgressUnit.BYTES))
        except PipDownloadError as error:
            raise OdapiEnvironmentError(
                f"The Object Detection API's environment cannot be set up: {error}\n"
                "It is fetched from a package index, once; pip's own settings say from which. Connect, then try again: "
                "what was downloaded is in pip's cache, and nothing half-made was left."
            ) from error
