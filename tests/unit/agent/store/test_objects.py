"""The board's store: objects appear whole or not at all, one host at a time changes them, crashes leave no litter."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeproof_agent.store.objects import Kind, Store, file_sha256, listing_digest, replace_file
from tests.support.stores import (
    CONTENT,
    DIGEST,
    OTHER,
    another_process,
    described,
    locked_store,
    put,
    put_files,
    refused,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with locked_store(tmp_path) as store:
        yield store


def test_an_object_appears_whole_under_its_digest(store: Store) -> None:
    assert not store.has(Kind.BUNDLE, DIGEST)
    path = put(store)
    assert path == store.root / "bundles" / DIGEST
    assert (path / "model.tflite").read_bytes() == CONTENT
    assert store.digests(Kind.BUNDLE) == [DIGEST]
    assert list((store.root / "incoming").iterdir()) == []


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_has_a_folder_of_its_own(store: Store, kind: Kind) -> None:
    put(store, kind=kind)
    assert [other for other in Kind if store.digests(other)] == [kind]


def test_a_published_object_never_changes(store: Store) -> None:
    path = put(store)
    assert put(store, content=b"other") == path
    assert (path / "model.tflite").read_bytes() == CONTENT
    assert list((store.root / "incoming").iterdir()) == []
    assert list((store.root / "trash").iterdir()) == []


@pytest.mark.parametrize("digest", ["", "a" * 63, "A" * 64, "../" + "a" * 61, "a" * 64 + "\n", "."])
def test_only_a_digest_names_an_object(store: Store, digest: str) -> None:
    with refused("request") as caught:
        store.incoming(Kind.BUNDLE, digest)
    assert "is not a sha-256 digest" in str(caught.value)


def another_process_that_holds_the_lock(root: Path) -> "contextlib.AbstractContextManager[subprocess.Popen[bytes]]":
    return another_process("from edgeproof_agent.store.objects import Store; store = Store(path); store.lock(0)", root)


def test_one_process_at_a_time_changes_a_store(tmp_path: Path) -> None:
    with another_process_that_holds_the_lock(tmp_path / "store"):
        with refused("busy") as caught:
            Store(tmp_path / "store").lock(0)
        assert str(caught.value) == "another host is changing this board's store"


def test_the_lock_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    with another_process_that_holds_the_lock(tmp_path / "store") as holder:
        holder.kill()
        holder.wait(20)
        store = Store(tmp_path / "store")
        store.lock(10)
        put(store)
        assert store.has(Kind.BUNDLE, DIGEST)


def test_a_lock_that_becomes_free_is_taken_within_its_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "store")
    with another_process_that_holds_the_lock(store.root) as holder:
        monkeypatch.setattr(time, "sleep", lambda _: holder.kill())
        store.lock(60)
    put(store)


def test_programs_that_the_store_starts_do_not_keep_its_lock(store: Store) -> None:
    listing = subprocess.run(
        ["/bin/sh", "-c", "ls -l /proc/$$/fd"], close_fds=False, capture_output=True, text=True, check=True
    )
    assert "/dev/null" in listing.stdout or "pipe:" in listing.stdout
    assert str(store.root / "lock") not in listing.stdout


def test_nothing_is_published_or_dropped_without_the_lock(store: Store) -> None:
    path = put(store)
    store.unlock()
    assert not store.is_locked
    for change in (
        lambda: store.publish(Kind.BUNDLE, OTHER),
        lambda: store.discard(path),
        lambda: store.sweep(),
    ):
        with refused("request") as caught:
            change()
        assert str(caught.value) == "the store is not locked for a change; send `begin` first"
    assert path.is_dir()


def test_an_unlocked_store_can_be_locked_by_another(store: Store) -> None:
    store.unlock()
    with another_process_that_holds_the_lock(store.root), refused("busy"):
        store.lock(0)
    store.lock(10)


def test_a_store_is_the_login_users_alone(store: Store) -> None:
    assert store.root.stat().st_mode & 0o777 == 0o700
    assert (store.root / "lock").stat().st_mode & 0o777 == 0o600
    with (store.root / "lock").open("rb") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_what_is_dropped_loses_its_name_before_anything_of_it_is_deleted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put_files(store, DIGEST, {"model.tflite": CONTENT, "labels.txt": b"person\n"})
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)  # the power goes here
    store.discard(path)
    monkeypatch.undo()
    assert not store.has(Kind.BUNDLE, DIGEST)
    (left,) = (store.root / "trash").iterdir()
    assert sorted(entry.name for entry in left.iterdir()) == ["labels.txt", "model.tflite"]
    store.sweep()
    assert list((store.root / "trash").iterdir()) == []


def test_sweeping_removes_the_temporary_names_that_a_crash_left(store: Store) -> None:
    put(store)
    for name in ("apps/app/.current.new", "chunks/.aaaa.new", "signatures/.aaaa.new"):
        leftover = store.root / name
        leftover.parent.mkdir(parents=True, exist_ok=True)
        leftover.symlink_to("nowhere")
    store.sweep()
    assert not [path for path in store.root.rglob("*.new") if path.is_symlink()]
    assert store.has(Kind.BUNDLE, DIGEST)


def test_a_small_file_is_replaced_as_a_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store.root / "chunks" / DIGEST
    replace_file(path, b"old")

    def broken(*_: object) -> None:
        raise OSError("the power goes here")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_listing_digest_depends_on_names_and_content_alone() -> None:
    files = [described("a", b"1"), described("b", b"2")]
    assert listing_digest(files) == listing_digest(files[::-1])
    assert listing_digest(files) != listing_digest([described("a", b"2"), described("b", b"1")])
    assert listing_digest(files) != listing_digest([described("b", b"1"), described("a", b"2")])


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000
    (tmp_path / "file").write_bytes(content)
    assert file_sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_a_store_may_lie_on_another_disk_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "home/.edgeproof").symlink_to(tmp_path / "disk")
    store = Store(tmp_path / "home/.edgeproof")
    store.lock(0)
    put(store)
    assert (tmp_path / "disk/bundles" / DIGEST / "model.tflite").read_bytes() == CONTENT
