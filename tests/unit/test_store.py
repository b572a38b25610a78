"""The board's store: objects appear whole or not at all, and nothing is ever written outside its folder."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeproof_agent import store as store_module
from edgeproof_agent.store import (
    DISK_RESERVE_BYTES,
    SWEEP_AFTER_SECONDS,
    Kind,
    Store,
    StoredFile,
    StoreError,
    file_sha256,
    listing_digest,
)

DIGEST = "a" * 64
OTHER = "b" * 64
CONTENT = b"a model of some bytes"

_DEVICE = str(Path(__file__).parents[2] / "device")
_Usage = namedtuple("_Usage", "total used free")


def described(name: str = "model.tflite", content: bytes = CONTENT) -> StoredFile:
    return StoredFile(name, len(content), hashlib.sha256(content).hexdigest())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "store")
    store.lock(0)
    yield store
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["store"], "something was written beside the store"


def put(store: Store, digest: str = DIGEST, kind: Kind = Kind.BUNDLE, content: bytes = CONTENT) -> Path:
    """Sends an object of one file."""
    file = described(content=content)
    store.begin(kind, digest, [file])
    store.append(kind, digest, file.name, 0, content)
    store.verify(kind, digest, [file])
    return store.publish(kind, digest)


def refused(kind: str) -> "contextlib.AbstractContextManager[pytest.ExceptionInfo[StoreError]]":
    return pytest.raises(StoreError, check=lambda error: error.kind == kind)


def snapshot(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()}


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


def test_an_object_is_not_there_until_it_is_published(store: Store) -> None:
    file = described()
    store.begin(Kind.BUNDLE, DIGEST, [file])
    store.append(Kind.BUNDLE, DIGEST, file.name, 0, CONTENT)
    store.verify(Kind.BUNDLE, DIGEST, [file])
    assert not store.has(Kind.BUNDLE, DIGEST)


def test_an_upload_is_resumed_where_it_ended(store: Store) -> None:
    files = [described(), described("labels.txt", b"person\n"), described("folder/more.txt", b"")]
    assert store.begin(Kind.BUNDLE, DIGEST, files) == {"model.tflite": 0, "labels.txt": 0, "folder/more.txt": 0}
    assert store.append(Kind.BUNDLE, DIGEST, "model.tflite", 0, CONTENT[:5]) == 5
    store.append(Kind.BUNDLE, DIGEST, "labels.txt", 0, b"person\n")
    offsets = store.begin(Kind.BUNDLE, DIGEST, files)
    assert offsets == {"model.tflite": 5, "labels.txt": 7, "folder/more.txt": 0}
    assert store.append(Kind.BUNDLE, DIGEST, "model.tflite", 5, CONTENT[5:]) == len(CONTENT)
    store.verify(Kind.BUNDLE, DIGEST, files)
    assert (store.publish(Kind.BUNDLE, DIGEST) / "model.tflite").read_bytes() == CONTENT


def test_a_file_that_is_longer_than_it_should_be_starts_anew(store: Store) -> None:
    store.begin(Kind.BUNDLE, DIGEST, [described()])
    store.append(Kind.BUNDLE, DIGEST, "model.tflite", 0, CONTENT + b"more")
    assert store.begin(Kind.BUNDLE, DIGEST, [described()]) == {"model.tflite": 0}


@pytest.mark.parametrize("offset", [0, 4, 6, 2**40])
def test_bytes_at_another_offset_are_refused_and_change_nothing(store: Store, offset: int) -> None:
    store.begin(Kind.BUNDLE, DIGEST, [described()])
    store.append(Kind.BUNDLE, DIGEST, "model.tflite", 0, CONTENT[:5])
    with refused("request") as caught:
        store.append(Kind.BUNDLE, DIGEST, "model.tflite", offset, b"xxx")
    assert str(caught.value) == f"model.tflite has 5 bytes, cannot continue at {offset}"
    assert (store.incoming(Kind.BUNDLE, DIGEST) / "model.tflite").read_bytes() == CONTENT[:5]


def test_a_file_that_was_not_announced_is_refused(store: Store) -> None:
    store.begin(Kind.BUNDLE, DIGEST, [described()])
    with refused("request") as caught:
        store.append(Kind.BUNDLE, DIGEST, "other.bin", 0, b"x")
    assert str(caught.value) == "other.bin was not announced"
    assert not (store.incoming(Kind.BUNDLE, DIGEST) / "other.bin").exists()


@pytest.mark.parametrize("arrived", [b"", CONTENT[:-1], CONTENT[:-1] + b"X", CONTENT + b"X"])
def test_what_is_damaged_is_dropped_and_can_be_sent_again(store: Store, arrived: bytes) -> None:
    store.begin(Kind.BUNDLE, DIGEST, [described()])
    store.append(Kind.BUNDLE, DIGEST, "model.tflite", 0, arrived)
    with refused("checksum") as caught:
        store.verify(Kind.BUNDLE, DIGEST, [described()])
    assert str(caught.value) == "model.tflite did not arrive as it was sent"
    assert not store.has(Kind.BUNDLE, DIGEST)
    put(store)
    assert store.has(Kind.BUNDLE, DIGEST)


def test_strays_do_not_get_into_an_object(store: Store) -> None:
    store.begin(Kind.BUNDLE, DIGEST, [described(), described("old/name.txt", b"old")])
    store.append(Kind.BUNDLE, DIGEST, "old/name.txt", 0, b"old")
    path = put(store)
    assert snapshot(path) == {"model.tflite": len(CONTENT)}


def test_a_full_disk_is_an_error_before_anything_changes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, OTHER)
    before = snapshot(store.root)
    free = len(CONTENT) + 1000 + DISK_RESERVE_BYTES
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(1 << 40, 0, free))
    with refused("disk") as caught:
        store.begin(Kind.BUNDLE, DIGEST, [described()], extra_bytes=1001)
    assert str(caught.value) == f"0 MiB are needed under {store.root} and 16 MiB are free"
    assert snapshot(store.root) == before
    assert store.begin(Kind.BUNDLE, DIGEST, [described()], extra_bytes=1000) == {"model.tflite": 0}


def test_what_is_there_already_needs_no_room(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.begin(Kind.BUNDLE, DIGEST, [described()])
    store.append(Kind.BUNDLE, DIGEST, "model.tflite", 0, CONTENT[:-1])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(1 << 40, 0, DISK_RESERVE_BYTES + 1))
    assert store.begin(Kind.BUNDLE, DIGEST, [described()]) == {"model.tflite": len(CONTENT) - 1}


def test_a_published_object_never_changes(store: Store) -> None:
    path = put(store)
    store.begin(Kind.BUNDLE, DIGEST, [described(content=b"other")])
    store.append(Kind.BUNDLE, DIGEST, "model.tflite", 0, b"other")
    assert store.publish(Kind.BUNDLE, DIGEST) == path
    assert (path / "model.tflite").read_bytes() == CONTENT
    assert list((store.root / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "../escape",
        "a/../../escape",
        "/etc/cron.d/escape",
        "..",
        ".",
        "",
        "a//b",
        "a/",
        "/",
        ".hidden",
        "a/.hidden",
        "-option",
        "a\\b",
        "a\nb",
        "a\n",
        "a b",
        "a\0b",
        "a/b/c/d/e",
        "x" * 201,
        "größe",
    ],
)
def test_a_name_that_could_lead_elsewhere_is_refused(store: Store, name: str) -> None:
    with refused("request"):
        store.begin(Kind.BUNDLE, DIGEST, [described(name)])
    with refused("request"):
        store.append(Kind.BUNDLE, DIGEST, name, 0, b"x")
    with refused("request"):
        store.verify(Kind.BUNDLE, DIGEST, [described(name)])


@pytest.mark.parametrize("digest", ["", "a" * 63, "A" * 64, "../" + "a" * 61, "a" * 64 + "\n", "."])
def test_only_a_digest_names_an_object(store: Store, digest: str) -> None:
    with refused("request") as caught:
        store.begin(Kind.BUNDLE, digest, [described()])
    assert "is not a sha-256 digest" in str(caught.value)


def test_an_object_has_files_with_names_of_their_own(store: Store) -> None:
    for files in ([], [described(), described()]):
        with refused("request") as caught:
            store.begin(Kind.BUNDLE, DIGEST, files)
        assert str(caught.value) == "an object needs files, each with a name of its own"


def test_a_link_in_an_incoming_folder_is_not_followed(store: Store, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "python3"
    outside.write_bytes(b"")
    store.begin(Kind.RUNTIME, DIGEST, [described()])
    link = store.incoming(Kind.RUNTIME, DIGEST) / "model.tflite"
    link.unlink()
    link.symlink_to(outside)
    with refused("storage"):
        store.append(Kind.RUNTIME, DIGEST, "model.tflite", 0, b"x")
    store.begin(Kind.RUNTIME, DIGEST, [described()])
    store.append(Kind.RUNTIME, DIGEST, "model.tflite", 0, b"x")
    assert outside.read_bytes() == b""


def test_switching_remembers_the_bundle_before(store: Store) -> None:
    put(store, DIGEST)
    put(store, OTHER)
    assert store.switch("app", DIGEST) is None
    assert (store.current("app"), store.current("app", "previous")) == (DIGEST, None)
    assert store.switch("app", OTHER) == DIGEST
    assert (store.current("app"), store.current("app", "previous")) == (OTHER, DIGEST)
    assert (store.root / "apps/app/current/model.tflite").read_bytes() == CONTENT
    assert store.apps() == ["app"]


def test_switching_to_the_same_bundle_keeps_the_previous_one(store: Store) -> None:
    put(store, DIGEST)
    put(store, OTHER)
    store.switch("app", DIGEST)
    store.switch("app", OTHER)
    assert store.switch("app", OTHER) == OTHER
    assert store.current("app", "previous") == DIGEST


def test_a_bundle_that_is_not_there_is_not_switched_to(store: Store) -> None:
    put(store)
    store.switch("app", DIGEST)
    with refused("missing"):
        store.switch("app", OTHER)
    assert store.current("app") == DIGEST


def test_a_link_left_by_a_broken_switch_does_no_harm(store: Store) -> None:
    put(store)
    (store.root / "apps/app").mkdir()
    (store.root / "apps/app/.current.new").symlink_to("nowhere")
    store.switch("app", DIGEST)
    assert store.current("app") == DIGEST
    assert sorted(os.listdir(store.root / "apps/app")) == ["current"]


def test_an_app_whose_bundle_is_gone_has_no_current(store: Store) -> None:
    shutil.rmtree(put(store))
    (store.root / "apps/app").mkdir()
    (store.root / "apps/app/current").symlink_to(f"../../bundles/{DIGEST}")
    assert store.current("app") is None
    assert store.apps() == ["app"]


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".hidden", "-x", "a b", "x" * 65, "a\n"])
def test_an_app_has_a_plain_name(store: Store, name: str) -> None:
    put(store)
    with refused("request"):
        store.switch(name, DIGEST)


def test_what_somebody_else_put_beside_the_apps_is_none(store: Store) -> None:
    (store.root / "apps/.Trash").mkdir()
    (store.root / "apps/my app").mkdir()
    (store.root / "apps/notes.txt").touch()
    assert store.apps() == []


def test_readers_never_miss_current_while_it_switches(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_sync", lambda _: None)  # what is renamed counts here, not how fast a disk is
    digests = [character * 64 for character in "abc"]
    for digest in digests:
        put(store, digest)
    store.switch("app", digests[0])
    model = store.root / "apps/app/current/model.tflite"
    misses: list[Exception] = []
    reads = [0, 0]
    done = threading.Event()

    def read(index: int) -> None:
        while not done.is_set():
            try:
                assert model.read_bytes() == CONTENT
                assert store.current("app") in digests
                reads[index] += 1
            except (AssertionError, OSError) as error:
                misses.append(error)
                return

    readers = [threading.Thread(target=read, args=(index,)) for index in range(len(reads))]
    for reader in readers:
        reader.start()
    switches = 0
    # Until each reader has had its chance, however the machine schedules them.
    while switches < 400 or (min(reads) < 50 and not misses and switches < 100_000):
        switches += 1
        store.switch("app", digests[switches % 3])
    done.set()
    for reader in readers:
        reader.join()
    assert misses == []
    assert min(reads) >= 50
    assert store.current("app", "previous") == digests[(switches - 1) % 3]


_HOLDER = """
import sys, threading
from pathlib import Path
from edgeproof_agent.store import Store
Store(Path(sys.argv[1])).lock(0)
print("locked", flush=True)
threading.Event().wait()
"""


@contextlib.contextmanager
def another_process_that_holds_the_lock(root: Path) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(root)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": _DEVICE},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        yield process
    finally:
        process.kill()
        process.communicate()


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
        monkeypatch.setattr(store_module.time, "sleep", lambda _: holder.kill())
        store.lock(60)
    put(store)


def test_programs_that_the_store_starts_do_not_keep_its_lock(store: Store) -> None:
    listing = subprocess.run(
        ["/bin/sh", "-c", "ls -l /proc/$$/fd"], close_fds=False, capture_output=True, text=True, check=True
    )
    assert "/dev/null" in listing.stdout or "pipe:" in listing.stdout
    assert str(store.root / "lock") not in listing.stdout


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.begin(Kind.BUNDLE, DIGEST, [described()]),
        lambda store: store.append(Kind.BUNDLE, DIGEST, "model.tflite", 0, b""),
        lambda store: store.verify(Kind.BUNDLE, DIGEST, []),
        lambda store: store.publish(Kind.BUNDLE, DIGEST),
        lambda store: store.switch("app", DIGEST),
    ],
)
def test_nothing_is_changed_without_the_lock(tmp_path: Path, change) -> None:
    with refused("request") as caught:
        change(Store(tmp_path / "store"))
    assert str(caught.value) == "the store is not locked for a change; send `begin` first"


def test_a_store_is_the_login_users_alone(store: Store) -> None:
    assert store.root.stat().st_mode & 0o777 == 0o700
    assert (store.root / "lock").stat().st_mode & 0o777 == 0o600
    with (store.root / "lock").open("rb") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_uploads_that_nobody_continued_for_a_day_are_swept(store: Store) -> None:
    for digest in (DIGEST, OTHER):
        store.begin(Kind.BUNDLE, digest, [described()])
    age(store.incoming(Kind.BUNDLE, DIGEST), SWEEP_AFTER_SECONDS + 60)
    age(store.incoming(Kind.BUNDLE, OTHER), SWEEP_AFTER_SECONDS - 60)
    store.begin(Kind.MEDIA, "c" * 64, [described()])
    assert sorted(os.listdir(store.root / "incoming")) == [f"bundles-{OTHER}", f"media-{'c' * 64}"]


def test_an_old_upload_is_continued_and_not_swept_by_its_own_begin(store: Store) -> None:
    store.begin(Kind.BUNDLE, DIGEST, [described()])
    store.append(Kind.BUNDLE, DIGEST, "model.tflite", 0, CONTENT[:5])
    age(store.incoming(Kind.BUNDLE, DIGEST), SWEEP_AFTER_SECONDS + 60)
    assert store.begin(Kind.BUNDLE, DIGEST, [described()]) == {"model.tflite": 5}
    store.begin(Kind.MEDIA, "c" * 64, [described()])
    assert store.incoming(Kind.BUNDLE, DIGEST).is_dir(), "continuing gives it another day"


def test_a_listing_digest_depends_on_names_and_content_alone() -> None:
    files = [described("a", b"1"), described("b", b"2")]
    assert listing_digest(files) == listing_digest(files[::-1])
    assert listing_digest(files) != listing_digest([described("a", b"2"), described("b", b"1")])
    assert listing_digest(files) != listing_digest([described("b", b"1"), described("a", b"2")])


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000
    (tmp_path / "file").write_bytes(content)
    assert file_sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()
