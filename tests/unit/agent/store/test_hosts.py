"""What one host needs is not dropped by another; who has said nothing for longest gives way."""

import os
from pathlib import Path

import pytest

from edgeproof_agent.store.hosts import MOST_HOSTS, forget_others, remember, wanted_by_others
from edgeproof_agent.store.objects import Kind, Store, StoreError
from tests.support.stores import DIGEST, OTHER

ONE, TWO = "1" * 32, "2" * 32


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    store.lock(0)
    return store


def test_each_host_sees_what_the_others_need_and_not_its_own(store: Store) -> None:
    remember(store, ONE, {Kind.AGENT: {DIGEST}, Kind.RUNTIME: {DIGEST}, Kind.BUNDLE: {OTHER}})
    remember(store, TWO, {Kind.RUNTIME: {OTHER}})
    assert wanted_by_others(store, ONE) == {Kind.AGENT: set(), Kind.RUNTIME: {OTHER}}
    assert wanted_by_others(store, TWO) == {Kind.AGENT: {DIGEST}, Kind.RUNTIME: {DIGEST}}
    remember(store, ONE, {Kind.RUNTIME: {OTHER}})
    assert wanted_by_others(store, TWO) == {Kind.AGENT: set(), Kind.RUNTIME: {OTHER}}, "an upgrade needs no more"


def test_the_others_are_forgotten_when_that_is_asked_for(store: Store) -> None:
    for host in (ONE, TWO):
        remember(store, host, {Kind.RUNTIME: {DIGEST}})
    forget_others(store, ONE)
    assert wanted_by_others(store, ONE) == {Kind.AGENT: set(), Kind.RUNTIME: set()}
    assert wanted_by_others(store, TWO)[Kind.RUNTIME] == {DIGEST}


@pytest.mark.parametrize("name", ["", "../apps/x", "1" * 15, "1" * 65, "G" * 32])
def test_what_is_no_name_of_a_host_is_refused(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match="is not a name of a host"):
        remember(store, name, {})
    assert not (store.root / "hosts").exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"runtimes": ["x"]}', b'{"runtimes": 1}', b"[" * 5000, b"\xff"])
def test_a_damaged_note_is_passed_over(store: Store, damage: bytes) -> None:
    remember(store, ONE, {Kind.RUNTIME: {DIGEST}})
    (store.root / "hosts" / TWO).write_bytes(damage)
    assert wanted_by_others(store, "3" * 32)[Kind.RUNTIME] == {DIGEST}


def test_of_too_many_hosts_the_one_that_said_something_last_stays(store: Store) -> None:
    names = [f"{number:032x}" for number in range(MOST_HOSTS + 3)]
    for age, name in enumerate(names):
        remember(store, name, {})
        os.utime(store.root / "hosts" / name, (1_000_000 + age, 1_000_000 + age))
    remember(store, ONE, {})
    left = {path.name for path in (store.root / "hosts").iterdir()}
    assert left == {*names[-MOST_HOSTS + 1 :], ONE}
