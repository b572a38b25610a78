"""A file is written whole or not at all, and what fails names it."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from edgeproof.local_files.atomic_file import write_atomically


def test_a_write_that_fails_names_the_file_and_leaves_the_old_one(tmp_path: Path) -> None:
    """The kernel refuses to let the file grow, as on a full disk, in a process of its own."""
    path = tmp_path / "report.json"
    write_atomically(path, b"old")
    code = (
        "import resource, signal, sys; from pathlib import Path; "
        "from edgeproof.local_files.atomic_file import write_atomically; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (1000, {resource.getrlimit(resource.RLIMIT_FSIZE)[1]})); "
        "write_atomically(Path(sys.argv[1]), b'x' * 100_000)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert done.returncode != 0
    assert f"File too large: '{path}'" in done.stderr
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_the_bytes_are_on_the_disk_before_the_file_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bool] = []
    monkeypatch.setattr("os.fsync", lambda _: synced.append((tmp_path / "a").exists()))
    write_atomically(tmp_path / "a", b"new")
    assert synced == [False]
