"""Uploads into the board's store: resumed where they ended, hashed as they grow, never outside their folder."""

import os
import shutil
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgeproof_agent.store.objects import SWEEP_AFTER_SECONDS, Kind, Store, StoredFile
from edgeproof_agent.store.uploads import DISK_RESERVE_BYTES, KnownRange, Upload
from tests.support.stores import CONTENT, DIGEST, OTHER, described, locked_store, put_files, refused, snapshot

_Usage = namedtuple("_Usage", "total used free")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with locked_store(tmp_path) as store:
        yield store


def announce(store: Store, *files: StoredFile, digest: str = DIGEST, kind: Kind = Kind.BUNDLE) -> Upload:
    """As a host's session does. One that began earlier is over."""
    return Upload(store, kind, digest, files or [described()])


def test_an_object_is_not_there_until_it_is_published(store: Store) -> None:
    upload = announce(store)
    upload.begin({})
    upload.append("model.tflite", 0, CONTENT)
    upload.verify()
    assert not store.has(Kind.BUNDLE, DIGEST)


def test_an_upload_is_resumed_where_it_ended(store: Store) -> None:
    files = [described(), described("labels.txt", b"person\n"), described("folder/more.txt", b"")]
    first = announce(store, *files)
    assert first.begin({}) == {"model.tflite": 0, "labels.txt": 0, "folder/more.txt": 0}
    assert first.append("model.tflite", 0, CONTENT[:5]) == 5
    first.append("labels.txt", 0, b"person\n")
    second = announce(store, *files)
    assert second.begin({}) == {"model.tflite": 5, "labels.txt": 7, "folder/more.txt": 0}
    assert second.append("model.tflite", 5, CONTENT[5:]) == len(CONTENT)
    second.verify()
    assert (store.publish(Kind.BUNDLE, DIGEST) / "model.tflite").read_bytes() == CONTENT


def test_a_file_that_is_longer_than_it_should_be_starts_anew(store: Store) -> None:
    announce(store).begin({})
    (store.incoming(Kind.BUNDLE, DIGEST) / "model.tflite").write_bytes(CONTENT + b"more")
    assert announce(store).begin({}) == {"model.tflite": 0}


@pytest.mark.parametrize("offset", [0, 4, 6, 2**40])
def test_bytes_at_another_offset_are_refused_and_change_nothing(store: Store, offset: int) -> None:
    upload = announce(store)
    upload.begin({})
    upload.append("model.tflite", 0, CONTENT[:5])
    with refused("request") as caught:
        upload.append("model.tflite", offset, b"xxx")
    assert str(caught.value) == f"model.tflite has 5 bytes, cannot continue at {offset}"
    assert (store.incoming(Kind.BUNDLE, DIGEST) / "model.tflite").read_bytes() == CONTENT[:5]


def test_more_bytes_than_were_announced_are_refused(store: Store) -> None:
    upload = announce(store)
    upload.begin({})
    with refused("request") as caught:
        upload.append("model.tflite", 0, CONTENT + b"X")
    assert str(caught.value) == f"model.tflite was announced with {len(CONTENT)} bytes"
    assert (store.incoming(Kind.BUNDLE, DIGEST) / "model.tflite").read_bytes() == b""


def test_a_file_that_was_not_announced_is_refused(store: Store) -> None:
    upload = announce(store)
    upload.begin({})
    with refused("request") as caught:
        upload.append("other.bin", 0, b"x")
    assert str(caught.value) == "other.bin was not announced"
    assert not (store.incoming(Kind.BUNDLE, DIGEST) / "other.bin").exists()


@pytest.mark.parametrize("arrived", [b"", CONTENT[:-1], CONTENT[:-1] + b"X"])
@pytest.mark.parametrize("cut", [0, 5])
def test_what_is_damaged_is_dropped_and_can_be_sent_again(store: Store, arrived: bytes, cut: int) -> None:
    first = announce(store)
    first.begin({})
    first.append("model.tflite", 0, arrived[:cut])
    upload = announce(store)  # bytes of an earlier session count like those of this one
    upload.append("model.tflite", upload.begin({})["model.tflite"], arrived[cut:])
    with refused("checksum") as caught:
        upload.verify()
    assert str(caught.value) == "model.tflite did not arrive as it was sent"
    assert not store.has(Kind.BUNDLE, DIGEST)
    put_files(store, DIGEST, {"model.tflite": CONTENT})
    assert store.has(Kind.BUNDLE, DIGEST)


def test_strays_do_not_get_into_an_object(store: Store) -> None:
    old = announce(store, described(), described("old/name.txt", b"old"))
    old.begin({})
    old.append("old/name.txt", 0, b"old")
    path = put_files(store, DIGEST, {"model.tflite": CONTENT})
    assert snapshot(path) == {"model.tflite": len(CONTENT)}


def test_a_full_disk_is_an_error_before_anything_changes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put_files(store, OTHER, {"model.tflite": CONTENT})
    before = snapshot(store.root)
    free = len(CONTENT) + 1000 + DISK_RESERVE_BYTES
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(1 << 40, 0, free))
    with refused("disk") as caught:
        announce(store).begin({}, extra_bytes=1001)
    assert str(caught.value) == f"17 MiB are needed under {store.root}, of which 16 stay free, and 16 MiB are free"
    assert snapshot(store.root) == before
    assert announce(store).begin({}, extra_bytes=1000) == {"model.tflite": 0}


def test_what_is_there_already_needs_no_room(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = announce(store)
    upload.begin({})
    upload.append("model.tflite", 0, CONTENT[:-1])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(1 << 40, 0, DISK_RESERVE_BYTES + 1))
    assert announce(store).begin({}) == {"model.tflite": len(CONTENT) - 1}


def test_a_disk_that_fills_up_on_the_way_keeps_what_fitted_for_the_next_try(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = announce(store)
    upload.begin({})
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if upload_is_full:
            raise OSError(28, "No space left on device")
        upload_is_full.append(True)
        return write(descriptor, data[:5])

    upload_is_full: list[bool] = []
    monkeypatch.setattr(os, "write", full)
    with refused("disk") as caught:
        upload.append("model.tflite", 0, CONTENT)
    assert "No space left on device" in str(caught.value)
    monkeypatch.undo()
    again = announce(store)
    assert again.begin({}) == {"model.tflite": 5}
    again.append("model.tflite", 5, CONTENT[5:])
    again.verify()


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
        announce(store, described(name))
    upload = announce(store)
    upload.begin({})
    with refused("request"):
        upload.append(name, 0, b"x")


def test_an_object_has_files_with_names_of_their_own(store: Store) -> None:
    for files in ([], [described(), described()]):
        with refused("request") as caught:
            Upload(store, Kind.BUNDLE, DIGEST, files)
        assert str(caught.value) == "an object needs files, each with a name of its own"


def test_a_link_in_an_incoming_folder_is_not_followed(store: Store, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "python3"
    outside.write_bytes(b"")
    announce(store, kind=Kind.RUNTIME).begin({})
    link = store.incoming(Kind.RUNTIME, DIGEST) / "model.tflite"
    link.unlink()
    link.symlink_to(outside)
    upload = announce(store, kind=Kind.RUNTIME)
    upload.begin({})
    upload.append("model.tflite", 0, b"x")
    assert outside.read_bytes() == b""


def base(store: Store, content: bytes) -> Path:
    """A file that is on the board, to copy from."""
    return put_files(store, OTHER, {"base.bin": content}) / "base.bin"


def test_what_the_board_has_is_copied_between_the_bytes_that_are_sent(store: Store) -> None:
    source = base(store, b"..0123456789..abc")
    content = b"new0123456789moreabc"
    known = {"model.tflite": [KnownRange(3, 13, source, 2), KnownRange(17, 20, source, 14)]}
    upload = announce(store, described(content=content))
    assert upload.begin(known) == {"model.tflite": 0}
    assert upload.append("model.tflite", 0, b"new") == 13
    assert upload.append("model.tflite", 13, b"more") == 20
    upload.verify()
    assert (upload.folder / "model.tflite").read_bytes() == content


def test_a_file_that_the_board_has_needs_no_byte(store: Store) -> None:
    upload = announce(store, described(content=b"0123456789"))
    assert upload.begin({"model.tflite": [KnownRange(0, 10, base(store, b"0123456789"), 0)]}) == {"model.tflite": 10}
    upload.verify()


@pytest.mark.parametrize("cut", range(1, 13))
def test_a_copy_that_was_cut_is_continued_in_its_middle(store: Store, cut: int) -> None:
    source = base(store, b"0123456789")
    content = b"A0123456789Z"
    announce(store, described(content=content)).begin({})
    (store.incoming(Kind.BUNDLE, DIGEST) / "model.tflite").write_bytes(content[:cut])
    upload = announce(store, described(content=content))
    size = upload.begin({"model.tflite": [KnownRange(1, 11, source, 0)]})["model.tflite"]
    assert size == max(cut, 11)
    upload.append("model.tflite", size, content[size:])
    upload.verify()


def test_a_source_that_became_shorter_is_copied_as_far_as_it_goes(store: Store) -> None:
    source = base(store, b"0123")
    upload = announce(store, described(content=b"0123456789"))
    assert upload.begin({"model.tflite": [KnownRange(0, 10, source, 0)]}) == {"model.tflite": 4}
    upload.append("model.tflite", 4, b"456789")
    upload.verify()


def test_a_source_with_other_bytes_is_found_out(store: Store) -> None:
    upload = announce(store, described(content=b"0123456789"))
    upload.begin({"model.tflite": [KnownRange(0, 10, base(store, b"012345678X"), 0)]})
    with refused("checksum"):
        upload.verify()


@pytest.mark.parametrize(
    "change",
    [
        lambda upload: upload.begin({}),
        lambda upload: upload.append("model.tflite", 0, b""),
        lambda upload: upload.verify(),
    ],
)
def test_nothing_is_uploaded_without_the_lock(tmp_path: Path, change: Callable[[Upload], object]) -> None:
    with refused("request") as caught:
        change(announce(Store(tmp_path / "store")))
    assert str(caught.value) == "the store is not locked for a change; send `begin` first"


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_uploads_that_nobody_continued_for_a_day_are_swept(store: Store) -> None:
    for digest in (DIGEST, OTHER):
        announce(store, digest=digest).begin({})
    age(store.incoming(Kind.BUNDLE, DIGEST), SWEEP_AFTER_SECONDS + 60)
    age(store.incoming(Kind.BUNDLE, OTHER), SWEEP_AFTER_SECONDS - 60)
    announce(store, digest="c" * 64, kind=Kind.MEDIA).begin({})
    assert sorted(os.listdir(store.root / "incoming")) == [f"bundles-{OTHER}", f"media-{'c' * 64}"]


def test_an_old_upload_is_continued_and_not_swept_by_its_own_begin(store: Store) -> None:
    upload = announce(store)
    upload.begin({})
    upload.append("model.tflite", 0, CONTENT[:5])
    age(store.incoming(Kind.BUNDLE, DIGEST), SWEEP_AFTER_SECONDS + 60)
    assert announce(store).begin({}) == {"model.tflite": 5}
    announce(store, digest="c" * 64, kind=Kind.MEDIA).begin({})
    assert store.incoming(Kind.BUNDLE, DIGEST).is_dir(), "continuing gives it another day"
