"""Pruning drops what nothing points to, never what an app names or a process uses."""

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from edgeproof_agent.store.apps import PREVIOUS, linked_digest, remove_app, switch
from edgeproof_agent.store.objects import Kind, Store, replace_file
from edgeproof_agent.store.prune import Unwanted, disk_bytes, prune
from edgeproof_agent.store.services.description import service_folder, write_description
from edgeproof_agent.store.services.places import PROBATION
from edgeproof_agent.store.services.probation import Probation, write_probation
from edgeproof_agent.store.uploads import Upload
from tests.support.services import a_service
from tests.support.stores import CONTENT, DIGEST, OTHER, another_process, described, put, refused

THIRD, FOURTH = "c" * 64, "d" * 64


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    store.lock(0)
    for digest in (DIGEST, OTHER, THIRD):
        put(store, digest)
    switch(store, "app", DIGEST)
    switch(store, "app", OTHER)
    return store


def a_process_that_uses(folder: Path) -> "contextlib.AbstractContextManager[subprocess.Popen[bytes]]":
    return another_process("from edgeproof_agent.store.usage_locks import hold; hold(path)", folder)


def dropped(unwanted: list[Unwanted]) -> set[tuple[str, str]]:
    return {(item.kind, item.name) for item in unwanted if not item.in_use}


def test_bundles_that_no_link_names_go_and_what_is_kept_beside_them(store: Store) -> None:
    for digest in (DIGEST, THIRD):
        replace_file(store.root / "chunks" / digest, b"list")
        replace_file(store.root / "signatures" / digest, b"signature")
    (item,) = prune(store, {Kind.BUNDLE: ()}, dry_run=False)
    assert (item.kind, item.name, item.in_use) == ("bundles", THIRD, False)
    assert item.disk_bytes >= len(CONTENT)
    assert store.digests(Kind.BUNDLE) == [DIGEST, OTHER]
    assert os.listdir(store.root / "chunks") == os.listdir(store.root / "signatures") == [DIGEST]
    assert list((store.root / "trash").iterdir()) == []


def test_a_dry_run_says_the_same_and_drops_nothing(store: Store) -> None:
    said = prune(store, {Kind.BUNDLE: ()}, dry_run=True)
    assert store.has(Kind.BUNDLE, THIRD)
    assert prune(store, {Kind.BUNDLE: ()}, dry_run=False) == said


def test_only_the_kinds_that_are_asked_for_are_looked_at(store: Store) -> None:
    for digest in (THIRD, FOURTH):
        put(store, digest, Kind.AGENT)
        put(store, digest, Kind.MEDIA)
    assert dropped(prune(store, {Kind.AGENT: [FOURTH]}, dry_run=False)) == {("agents", THIRD)}
    assert store.digests(Kind.AGENT) == [FOURTH]
    assert store.digests(Kind.MEDIA) == [THIRD, FOURTH]
    assert store.has(Kind.BUNDLE, THIRD)


def test_an_app_that_lets_go_keeps_what_it_serves_alone(store: Store) -> None:
    switch(store, "other", DIGEST)
    would_go = dropped(prune(store, {Kind.BUNDLE: ()}, dry_run=True, let_go=["app"]))
    assert would_go == {("bundles", THIRD)}, "the other app serves what is the previous one of this app"
    remove_app(store, "other")
    assert linked_digest(store, "app", PREVIOUS) == DIGEST, "a dry run takes no link away"
    assert dropped(prune(store, {Kind.BUNDLE: ()}, dry_run=False, let_go=["app"])) == {
        ("bundles", THIRD),
        ("bundles", DIGEST),
    }
    assert (linked_digest(store, "app"), linked_digest(store, "app", PREVIOUS)) == (OTHER, None)
    assert not os.path.lexists(store.root / "apps/app" / PREVIOUS), "a bundle that comes again is not gone back to"
    with refused("app"):
        prune(store, {Kind.BUNDLE: ()}, dry_run=True, let_go=["app", "nobody"])


def test_partial_uploads_go_with_the_bundles(store: Store) -> None:
    upload = Upload(store, Kind.BUNDLE, FOURTH, [described()])
    upload.begin({})
    upload.close()
    assert dropped(prune(store, {Kind.AGENT: ()}, dry_run=False)) == set()
    assert ("incoming", f"bundles-{FOURTH}") in dropped(prune(store, {Kind.BUNDLE: ()}, dry_run=False))
    assert list((store.root / "incoming").iterdir()) == []


def test_what_a_service_would_go_back_to_stays(store: Store) -> None:
    """Two pushes have come since it was healthy last: no app names it."""
    agent, runtime, stray = "e" * 64, "f" * 64, FOURTH
    folder = service_folder(store, "app")
    write_description(store, a_service("app", agent=agent, runtime=runtime))
    for kind, digest in ((Kind.AGENT, agent), (Kind.RUNTIME, runtime), (Kind.BUNDLE, stray)):
        put(store, digest, kind)
    everything: dict[Kind, tuple[str, ...]] = {Kind.BUNDLE: (), Kind.AGENT: (), Kind.RUNTIME: ()}
    write_probation(folder / PROBATION, Probation(proven=THIRD, trial=OTHER))
    assert dropped(prune(store, everything, dry_run=False)) == {("bundles", stray)}
    write_probation(folder / PROBATION, Probation(proven=OTHER))
    assert dropped(prune(store, everything, dry_run=False)) == {("bundles", THIRD)}


def test_what_a_process_uses_stays_until_it_ends(store: Store) -> None:
    with a_process_that_uses(store.path(Kind.BUNDLE, THIRD)) as process:
        (item,) = prune(store, {Kind.BUNDLE: ()}, dry_run=False)
        assert item.in_use
        assert store.has(Kind.BUNDLE, THIRD)
        process.kill()
        process.wait(20)
        assert dropped(prune(store, {Kind.BUNDLE: ()}, dry_run=False)) == {("bundles", THIRD)}


def test_nothing_is_pruned_without_the_lock(store: Store) -> None:
    store.unlock()
    with refused("request"):
        prune(store, {Kind.BUNDLE: ()}, dry_run=False)


def test_what_a_folder_takes_is_counted_without_following_links(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(100_000))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/b").write_bytes(bytes(50_000))
    (tmp_path / "folder/loop").symlink_to(tmp_path)
    assert 150_000 <= disk_bytes(tmp_path) < 300_000
    assert disk_bytes(tmp_path / "nowhere") == 0
