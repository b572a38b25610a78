"""Stores and what is put into them, for tests of the store's parts."""

import contextlib
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from edgeproof_agent.store.objects import Kind, Store, StoredFile, StoreError
from edgeproof_agent.store.uploads import Upload
from tests.support.places import DEVICE

DIGEST = "a" * 64
OTHER = "b" * 64
CONTENT = b"a model of some bytes"
_DEVICE = str(DEVICE)


@contextlib.contextmanager
def locked_store(folder: Path) -> Iterator[Store]:
    """A store that this process has locked. Nothing may be written beside it."""
    store = Store(folder / "store")
    store.lock(0)
    yield store
    assert sorted(entry.name for entry in folder.iterdir()) == ["store"], "something was written beside the store"


@contextlib.contextmanager
def another_process(code: str, path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Runs `code`, which uses `path`, in a process that then stays as it is until it is killed."""
    waiting = "import threading; print('ready', flush=True); threading.Event().wait()"
    prepared = f"import sys; from pathlib import Path; path = Path(sys.argv[1])\n{code}\n{waiting}"
    process = subprocess.Popen(
        [sys.executable, "-c", prepared, str(path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": _DEVICE},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def described(name: str = "model.tflite", content: bytes = CONTENT) -> StoredFile:
    return StoredFile(name, len(content), hashlib.sha256(content).hexdigest())


def put(store: Store, digest: str = DIGEST, kind: Kind = Kind.BUNDLE, content: bytes = CONTENT) -> Path:
    """Sends an object of one file."""
    return put_files(store, digest, {"model.tflite": content}, kind)


def put_files(store: Store, digest: str, contents: Mapping[str, bytes], kind: Kind = Kind.BUNDLE) -> Path:
    upload = Upload(store, kind, digest, [described(name, content) for name, content in contents.items()])
    upload.begin({})
    for name, content in contents.items():
        upload.append(name, 0, content)
    upload.verify()
    upload.close()
    return store.publish(kind, digest)


def refused(kind: str) -> "contextlib.AbstractContextManager[pytest.ExceptionInfo[StoreError]]":
    return pytest.raises(StoreError, check=lambda error: error.kind == kind)


def snapshot(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()}
