"""Which bundle an app points at: switched by rename, never missing, never anything but a whole bundle."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgeproof_agent.store import apps as store_apps
from edgeproof_agent.store.apps import (
    PREVIOUS,
    app_names,
    forget_previous,
    linked_digest,
    linked_digests,
    read_link,
    remove_app,
    switch,
)
from edgeproof_agent.store.objects import Kind, Store
from tests.support.stores import CONTENT, DIGEST, OTHER, locked_store, put, refused


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with locked_store(tmp_path) as store:
        yield store


def test_switching_remembers_the_bundle_before(store: Store) -> None:
    put(store, DIGEST)
    put(store, OTHER)
    assert switch(store, "app", DIGEST) is None
    assert (linked_digest(store, "app"), linked_digest(store, "app", PREVIOUS)) == (DIGEST, None)
    assert switch(store, "app", OTHER) == DIGEST
    assert (linked_digest(store, "app"), linked_digest(store, "app", PREVIOUS)) == (OTHER, DIGEST)
    assert (store.root / "apps/app/current/model.tflite").read_bytes() == CONTENT
    assert app_names(store) == ["app"]


def test_switching_to_the_same_bundle_keeps_the_previous_one(store: Store) -> None:
    put(store, DIGEST)
    put(store, OTHER)
    switch(store, "app", DIGEST)
    switch(store, "app", OTHER)
    assert switch(store, "app", OTHER) == OTHER
    assert linked_digest(store, "app", PREVIOUS) == DIGEST


def test_a_bundle_that_is_not_there_is_not_switched_to(store: Store) -> None:
    put(store)
    switch(store, "app", DIGEST)
    with refused("missing"):
        switch(store, "app", OTHER)
    assert linked_digest(store, "app") == DIGEST


def test_a_link_left_by_a_broken_switch_does_no_harm(store: Store) -> None:
    put(store)
    (store.root / "apps/app").mkdir()
    (store.root / "apps/app/.current.new").symlink_to("nowhere")
    switch(store, "app", DIGEST)
    assert linked_digest(store, "app") == DIGEST
    assert sorted(os.listdir(store.root / "apps/app")) == ["current"]


def test_an_app_whose_bundle_is_gone_has_no_current(store: Store) -> None:
    shutil.rmtree(put(store))
    (store.root / "apps/app").mkdir()
    (store.root / "apps/app/current").symlink_to(f"../../bundles/{DIGEST}")
    assert linked_digest(store, "app") is None
    assert app_names(store) == ["app"]


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".hidden", "-x", "a b", "x" * 65, "a\n"])
def test_an_app_has_a_plain_name(store: Store, name: str) -> None:
    put(store)
    with refused("request"):
        switch(store, name, DIGEST)


def test_what_somebody_else_put_beside_the_apps_is_none(store: Store) -> None:
    (store.root / "apps/.Trash").mkdir()
    (store.root / "apps/my app").mkdir()
    (store.root / "apps/notes.txt").touch()
    assert app_names(store) == []


def test_readers_never_miss_current_while_it_switches(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_apps, "sync", lambda _: None)  # what is renamed counts here, not how fast a disk is
    digests = [character * 64 for character in "abc"]
    for digest in digests:
        put(store, digest)
    switch(store, "app", digests[0])
    model = store.root / "apps/app/current/model.tflite"
    misses: list[Exception] = []
    reads = [0, 0]
    done = threading.Event()

    def read(index: int) -> None:
        while not done.is_set():
            try:
                assert model.read_bytes() == CONTENT
                assert linked_digest(store, "app") in digests
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
        switch(store, "app", digests[switches % 3])
    done.set()
    for reader in readers:
        reader.join()
    assert misses == []
    assert min(reads) >= 50
    assert linked_digest(store, "app", PREVIOUS) == digests[(switches - 1) % 3]


def test_every_bundle_that_an_app_names_is_known(store: Store) -> None:
    for digest in (DIGEST, OTHER, "c" * 64, "d" * 64):
        put(store, digest)
    switch(store, "one", DIGEST)
    switch(store, "one", OTHER)
    switch(store, "two", "c" * 64)
    assert linked_digests(store) == {DIGEST, OTHER, "c" * 64}


def test_an_app_is_removed_as_a_whole_and_its_bundles_stay(store: Store) -> None:
    for digest in (DIGEST, OTHER):
        put(store, digest)
        switch(store, "app", digest)
    switch(store, "other", DIGEST)
    remove_app(store, "app")
    assert app_names(store) == ["other"]
    assert store.has(Kind.BUNDLE, OTHER)
    assert list((store.root / "trash").iterdir()) == []
    with refused("app"):
        remove_app(store, "app")
    with refused("app"):
        remove_app(store, "../bundles")
    assert switch(store, "app", OTHER) is None, "the name can be given anew"


def test_an_app_loses_its_name_before_anything_of_it_is_deleted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, DIGEST)
    switch(store, "app", DIGEST)
    with monkeypatch.context() as cut:
        cut.setattr(shutil, "rmtree", lambda *_, **__: None)  # the power goes as it begins
        remove_app(store, "app")
    assert app_names(store) == []
    assert [path.name for path in (store.root / "trash").iterdir()] == ["apps-app"]
    store.sweep()
    assert list((store.root / "trash").iterdir()) == []


def test_what_an_app_lets_go_of_is_gone_on_the_disk(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for digest in (DIGEST, OTHER):
        put(store, digest)
        switch(store, "app", digest)
    synced: list[tuple[str, bool]] = []
    link = store.root / "apps/app" / PREVIOUS
    monkeypatch.setattr(
        os, "fsync", lambda number: synced.append((os.readlink(f"/proc/self/fd/{number}"), os.path.lexists(link)))
    )
    forget_previous(store, "app")
    assert synced == [(str(link.parent), False)]


def test_a_link_says_since_when(store: Store) -> None:
    put(store)
    switch(store, "app", DIGEST)
    path = store.root / "apps/app/current"
    os.utime(path, (1000.0, 1000.0), follow_symlinks=False)
    link = read_link(store, "app")
    assert link is not None
    assert link.since_seconds == 1000.0


@pytest.mark.parametrize("step", range(4))
def test_a_switch_that_is_cut_anywhere_leaves_a_whole_current(
    store: Store, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    put(store, DIGEST)
    put(store, OTHER)
    switch(store, "app", DIGEST)
    steps = iter(range(100))

    def cut(function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            if next(steps) == step:
                raise KeyboardInterrupt
            return function(*arguments)

        return call

    for name in ("symlink", "replace"):
        monkeypatch.setattr(os, name, cut(getattr(os, name)))
    with pytest.raises(KeyboardInterrupt):
        switch(store, "app", OTHER)
    monkeypatch.undo()
    assert linked_digest(store, "app") == DIGEST
    store.sweep()
    assert {entry.name for entry in (store.root / "apps/app").iterdir()} <= {"current", "previous"}
    switch(store, "app", OTHER)
    assert (linked_digest(store, "app"), linked_digest(store, "app", PREVIOUS)) == (OTHER, DIGEST)


def test_nothing_is_switched_without_the_lock(store: Store) -> None:
    put(store)
    store.unlock()
    with refused("request"):
        switch(store, "app", DIGEST)
    assert app_names(store) == []
