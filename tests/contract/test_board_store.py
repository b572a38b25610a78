"""The real store service behind a local pipe: what travels, what is continued, and who may change a store when."""

import os
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgeproof.board.deploy import push_bundle, send_bundle
from edgeproof.board.link.conversation import Conversation, Request
from edgeproof.board.link.deadline import Deadline
from edgeproof.board.link.local import LocalTransport
from edgeproof.board.open_board import OpenBoard
from edgeproof.board.prune import prune
from edgeproof.board.runtime.releases import fitting_releases
from edgeproof.board.store import client as store_module
from edgeproof.board.store import upload as upload_module
from edgeproof.board.store.client import BoardStore, open_store
from edgeproof.board.store.inventory import StoredRuntime
from edgeproof.board.store.pacing import MAX_FRAME_BYTES, MIN_FRAME_BYTES, LinkPace
from edgeproof.board.store.status import read_status
from edgeproof.bundle import Bundle, open_bundle, write_bundle
from edgeproof.errors import AgentDiedError, BoardError, DeploymentError
from edgeproof_agent.store.objects import Kind
from edgeproof_agent.store.operations import HOST_SILENT_STATUS
from tests.contract.counting import CountingTransport
from tests.support.places import DEVICE

_DEVICE = str(DEVICE)
SIZE_BYTES = 2_000_000


@pytest.fixture
def transport(tmp_path: Path) -> Iterator[CountingTransport]:
    home = tmp_path / "home"
    home.mkdir()
    with LocalTransport("pi", home) as inner:
        yield CountingTransport(inner)


@pytest.fixture
def bundles(tiny_bundles: dict[str, Path], tmp_path: Path) -> list[Bundle]:
    """Two versions of a model of some megabytes, which differ in a twentieth of it."""
    tiny = open_bundle(tiny_bundles["float32"])
    content = random.Random(1).randbytes(SIZE_BYTES)
    changed = content[:1_000_000] + random.Random(2).randbytes(100_000) + content[1_100_000:]
    return [
        write_bundle(tmp_path / f"bundle-{index}", tiny.manifest, model, tiny.labels())
        for index, model in enumerate((content, changed))
    ]


def open_board(transport: CountingTransport) -> BoardStore:
    return open_store(transport, sys.executable)


def stored_files(store: BoardStore, digest: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(store.path(Kind.BUNDLE, digest)).iterdir()}


def files_of(bundle: Bundle) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in bundle.path.iterdir()}


def with_a_runtime(store: BoardStore) -> None:
    """As if one had been provisioned: nothing is run in these tests."""
    digest = fitting_releases(store.facts)[0].digest(store.facts)
    runtime = StoredRuntime(digest, "any", "0", "/nowhere")
    store.inventory = replace(store.inventory, runtimes=(runtime,))


def test_a_push_of_what_is_served_takes_three_round_trips_and_no_payload(
    transport: CountingTransport, bundles: list[Bundle]
) -> None:
    with open_board(transport) as store:
        send_bundle(store, bundles[0])
        store.switch("app", bundles[0].digest)
    transport.round_trips = transport.sent_bytes = 0
    with open_board(transport) as store:
        with_a_runtime(store)
        service_bytes = transport.sent_bytes
        deployment = push_bundle(OpenBoard(transport, store), bundles[0], "app")
    assert not deployment.changed
    assert deployment.sent.payload_bytes == 0
    assert transport.round_trips <= 3
    assert transport.sent_bytes == service_bytes, "after the hello nothing more is said"


def test_only_what_differs_travels(transport: CountingTransport, bundles: list[Bundle]) -> None:
    with open_board(transport) as store:
        first = send_bundle(store, bundles[0])
        assert first.payload_bytes >= first.total_bytes
        before = transport.sent_bytes
        second = send_bundle(store, bundles[1])
        travelled = transport.sent_bytes - before
    assert stored_files(store, bundles[1].digest) == files_of(bundles[1])
    assert second.total_bytes >= SIZE_BYTES
    assert 100_000 < second.payload_bytes < travelled < 160_000


def test_the_same_files_under_another_manifest_do_not_travel(
    transport: CountingTransport, bundles: list[Bundle], tmp_path: Path
) -> None:
    renamed = write_bundle(
        tmp_path / "renamed",
        replace(bundles[0].manifest, name="renamed"),
        bundles[0].model_path.read_bytes(),
        bundles[0].labels(),
    )
    with open_board(transport) as store:
        send_bundle(store, bundles[0])
        assert send_bundle(store, renamed).payload_bytes < SIZE_BYTES / 50
        assert stored_files(store, renamed.digest) == files_of(renamed)


def test_a_base_that_is_damaged_costs_a_longer_push_and_nothing_else(
    transport: CountingTransport, bundles: list[Bundle]
) -> None:
    with open_board(transport) as store:
        send_bundle(store, bundles[0])
        model = Path(store.path(Kind.BUNDLE, bundles[0].digest)) / "model.tflite"
        model.write_bytes(bytes(SIZE_BYTES))
        assert send_bundle(store, bundles[1]).payload_bytes >= SIZE_BYTES
        assert stored_files(store, bundles[1].digest) == files_of(bundles[1])


@pytest.mark.parametrize(
    ("cut_after_bytes", "with_base"),
    [*((cut, base) for cut in (0, 10, 40_000, 100_000) for base in (False, True)), (1_000_000, False)],
)
def test_a_push_that_was_cut_is_continued(
    transport: CountingTransport, bundles: list[Bundle], with_base: bool, cut_after_bytes: int
) -> None:
    with open_board(transport) as store:
        if with_base:
            send_bundle(store, bundles[0])
    store = open_board(transport)
    transport.cut_after_bytes = transport.sent_bytes + cut_after_bytes
    with pytest.raises(BoardError):
        send_bundle(store, bundles[1])
    store.close()
    transport.cut_after_bytes = None
    with open_board(transport) as store:
        assert bundles[1].digest not in store.inventory.bundles
        sent = send_bundle(store, bundles[1])
        assert stored_files(store, bundles[1].digest) == files_of(bundles[1])
    # Of what had arrived only the announcement and the frame that was cut in its middle are lost.
    frame_bytes = MIN_FRAME_BYTES if cut_after_bytes <= 100_000 else MAX_FRAME_BYTES
    kept_bytes = max(0, cut_after_bytes - frame_bytes - 20_000)
    lacking_bytes = 130_000 if with_base else SIZE_BYTES + 40_000  # all, and the list of its parts
    assert sent.payload_bytes < lacking_bytes - kept_bytes, "what had arrived was sent again"


class _SlowClock:
    """Makes every link look slow: ten milliseconds pass whenever somebody looks."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        self._now += 0.01
        return self._now


def test_on_a_slow_link_what_can_be_packed_travels_packed_and_arrives_whole(
    transport: CountingTransport, tiny_bundles: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_module, "LinkPace", lambda: LinkPace(_SlowClock()))
    tiny = open_bundle(tiny_bundles["float32"])
    words = random.Random(3)
    model = b"".join(bytes([words.choice(b"abcdefgh")]) for _ in range(SIZE_BYTES))
    bundle = write_bundle(tmp_path / "text", tiny.manifest, model, tiny.labels())
    with open_board(transport) as store:
        sent = send_bundle(store, bundle)
        assert sent.payload_bytes < 0.7 * sent.total_bytes
        assert stored_files(store, bundle.digest) == files_of(bundle)


def begin(store: BoardStore, bundle: Bundle) -> None:
    """Announces a bundle, which takes the lock, without waiting for it."""
    manifest = {"name": "bundle.json", "size_bytes": 5, "sha256": "0" * 64}
    arguments = {"kind": "bundles", "digest": bundle.digest, "files": [manifest], "wait_seconds": 0}
    store.ask(Request("begin", arguments), "store it")


def test_a_second_host_is_told_that_the_first_is_at_work(transport: CountingTransport, bundles: list[Bundle]) -> None:
    with open_board(transport) as first, open_board(transport) as second:
        begin(first, bundles[0])
        with pytest.raises(DeploymentError) as caught:
            begin(second, bundles[1])
        assert "another host is changing this board's store" in str(caught.value)
        assert "Wait until it is done" in str(caught.value)
        first.close()
        send_bundle(second, bundles[1])
        assert stored_files(second, bundles[1].digest) == files_of(bundles[1])


def test_two_hosts_push_one_after_the_other(transport: CountingTransport, bundles: list[Bundle]) -> None:
    with open_board(transport) as first, open_board(transport) as second:
        for store, bundle in ((first, bundles[0]), (second, bundles[1])):
            send_bundle(store, bundle)
        assert first.switch("app", bundles[0].digest) is None
        assert second.switch("app", bundles[1].digest) == bundles[0].digest
        with pytest.raises(DeploymentError, match="is not on this board"):
            first.switch("app", "f" * 64)


def open_impatient(transport: CountingTransport, silence_seconds: float) -> BoardStore:
    """A service that takes its host as gone sooner than usual."""
    code = f"from edgeproof_agent.store import operations as s; s.HOST_SILENCE_SECONDS = {silence_seconds}; "
    command = f"PYTHONPATH={_DEVICE} {sys.executable} -c '{code}raise SystemExit(s.main())'; exit $?"
    channel = transport.open(command)
    return BoardStore(Conversation(channel, "the store service on pi"), "pi")


def test_a_host_that_died_without_a_word_does_not_keep_the_lock(
    transport: CountingTransport, bundles: list[Bundle]
) -> None:
    dead = open_impatient(transport, 0.2)
    begin(dead, bundles[0])
    status = dead._conversation._channel.wait(Deadline(60, "the service to end"))
    assert status.code == HOST_SILENT_STATUS
    with open_board(transport) as store:
        begin(store, bundles[0])
    with pytest.raises(AgentDiedError, match="the host said nothing for 0.2 s"):
        dead.refresh()
    dead.close()


def test_a_service_that_is_not_locked_waits_for_its_host(transport: CountingTransport) -> None:
    with open_impatient(transport, 0.05) as store, pytest.raises(BoardError):
        store._conversation._channel.wait(Deadline(0.5, "the service to end"))


def test_a_host_that_works_on_something_else_gives_signs_of_life(
    transport: CountingTransport, bundles: list[Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "PING_SECONDS", 0.02)
    with open_impatient(transport, 30) as store:
        begin(store, bundles[0])
        pings = transport.round_trips
        with store.kept_alive():
            while transport.round_trips < pings + 3:
                os.sched_yield()
        stopped = transport.round_trips
        store.refresh()
        assert transport.round_trips == stopped + 1, "nobody pings any more"


def test_a_ping_that_finds_the_service_gone_leaves_the_error_to_the_next_who_asks(
    transport: CountingTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "PING_SECONDS", 0.001)
    store = open_board(transport)
    transport.cut_after_bytes = transport.sent_bytes
    with store.kept_alive():
        assert transport.was_cut.wait(60)
    with pytest.raises(AgentDiedError):
        store.refresh()


def test_status_and_prune_follow_the_links(transport: CountingTransport, bundles: list[Bundle]) -> None:
    with open_board(transport) as store:
        for bundle in bundles:
            send_bundle(store, bundle)
            store.switch("app", bundle.digest)
        tuned = bundles[0]
    with open_board(transport) as store:
        status = read_status(store)
        app = status.apps["app"]
        assert app.current is not None
        assert app.previous is not None
        assert (app.current.digest, app.previous.digest) == (bundles[1].digest, bundles[0].digest)
        assert (app.current.name, app.current.variant) == (tuned.manifest.name, "float32")
        assert status.disk_bytes["bundles"] > 2 * SIZE_BYTES
        assert prune(store) == []
        store.switch("other", bundles[0].digest)
        Path(store.root, "apps/app/previous").unlink()
        assert prune(store, dry_run=True) == []
        Path(store.root, "apps/other/current").unlink()
        (would_go,) = prune(store, dry_run=True)
        assert (would_go.kind, would_go.name, would_go.in_use) == ("bundles", bundles[0].digest, False)
        assert prune(store) == [would_go]
        assert store.refresh().bundles == {bundles[1].digest}
        assert prune(store) == []


@pytest.fixture(autouse=True)
def _stay_within_the_folder(tmp_path: Path) -> Iterator[None]:
    yield
    assert {path.name for path in (tmp_path / "home").iterdir()} <= {".edgeproof"}
