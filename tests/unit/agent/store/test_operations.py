"""The store behind the protocol: what a host asks for in a session, and what it is told."""

import hashlib
import json
import shutil
import zlib
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edgeproof.board.store.signing import public_key_text, sign
from edgeproof_agent import PROTOCOL_VERSION
from edgeproof_agent.store.chunks import pack_chunks
from edgeproof_agent.store.inventory import RUNTIME_FILE
from edgeproof_agent.store.objects import Kind, Store, StoredFile, StoreError, listing_digest
from edgeproof_agent.store.operations import StoreOperations
from edgeproof_agent.store.services.description import service_folder, write_description
from edgeproof_agent.wire.answering import Exchange, RequestError
from edgeproof_agent.wire.frames import Frame
from tests.support.services import a_service
from tests.support.stores import DIGEST, put


class Service:
    def __init__(self, root: Path) -> None:
        self.root = root
        self._table = StoreOperations(Store(root)).table()

    def ask(self, op: str, payload: bytes = b"", **fields: Any) -> dict[str, Any]:
        # None of these operations sends events, so none needs a link.
        exchange = Exchange(None, 1, Frame({"id": 1, "op": op, **fields}, payload))  # type: ignore[arg-type]
        return self._table[op](exchange)[0]

    def send(self, kind: str, digest: str, contents: dict[str, bytes], **finish: Any) -> dict[str, Any]:
        offsets = self.ask("begin", kind=kind, digest=digest, files=described(contents))["offsets"]
        for name, content in contents.items():
            start = offsets[name]
            self.ask("put", content[start:], kind=kind, digest=digest, name=name, offset=start)
        return self.ask("finish", kind=kind, digest=digest, **finish)


def described(contents: dict[str, bytes]) -> list[dict[str, Any]]:
    return [
        {"name": name, "size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in contents.items()
    ]


def bundle(**changes: Any) -> tuple[str, dict[str, bytes]]:
    contents = {"model.tflite": b"model", "labels.txt": b"person\n"}
    manifest = {"files": {item["name"]: item for item in described(contents)}, **changes}
    contents["bundle.json"] = json.dumps(manifest).encode()
    return hashlib.sha256(contents["bundle.json"]).hexdigest(), contents


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path / "store")


def refused(kind: str) -> Any:
    return pytest.raises(RequestError, check=lambda error: error.kind == kind)


def test_hello_tells_the_root_the_facts_and_an_empty_inventory(service: Service) -> None:
    hello = service.ask("hello", protocol=PROTOCOL_VERSION)
    assert hello["root"] == str(service.root)
    assert hello["facts"]["cpu_count"] >= 1
    assert (hello["agents"], hello["bundles"], hello["runtimes"], hello["apps"]) == ([], [], [], {})
    assert not service.root.exists(), "asking changes nothing"


def test_a_bundle_is_sent_switched_to_and_listed(service: Service) -> None:
    digest, contents = bundle()
    assert service.send("bundles", digest, contents) == {"path": f"{service.root}/bundles/{digest}"}
    assert service.ask("begin", kind="bundles", digest=digest, files=described(contents)) == {"present": True}
    assert service.ask("switch", app="app", digest=digest) == {"before": None}
    assert service.ask("inventory") == {
        "agents": [],
        "bundles": [digest],
        "runtimes": [],
        "apps": {"app": {"current": digest, "previous": None}},
        "signers": None,
    }


def test_a_digest_that_is_not_the_manifests_is_refused(service: Service) -> None:
    with refused("checksum"):
        service.send("bundles", "f" * 64, bundle()[1])


@pytest.mark.parametrize("name", ["model.tflite", "extra.bin"])
def test_files_that_the_manifest_does_not_name_are_refused(service: Service, name: str) -> None:
    digest, contents = bundle()
    with refused("checksum") as caught:
        service.send("bundles", digest, {**contents, name: b"other"})
    assert str(caught.value) == "the bundle's files are not those that its manifest names"


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"files": []}',
        b'{"files": {"model.tflite": null}}',
        b'{"files": {"model.tflite": []}}',
        b'{"files": {"model.tflite": {"sha256": 1}}}',
        b"{}",
    ],
    ids=lambda manifest: repr(manifest[:30]),
)
def test_a_manifest_that_is_none_is_refused(service: Service, manifest: bytes) -> None:
    contents = {"bundle.json": manifest, "model.tflite": b"model"}
    with refused("checksum"):
        service.send("bundles", hashlib.sha256(manifest).hexdigest(), contents)


def test_a_manifest_of_megabytes_is_not_read(service: Service) -> None:
    manifest = json.dumps({"files": {}, "x": "x" * (1 << 20)}).encode()
    with refused("checksum"):
        service.send("bundles", hashlib.sha256(manifest).hexdigest(), {"bundle.json": manifest})


@pytest.mark.parametrize("kind", ["agents", "media"])
def test_an_object_without_a_manifest_is_named_by_its_listing(service: Service, kind: str) -> None:
    contents = {"edgeproof_agent/__init__.py": b"version = 1\n"}
    with refused("checksum"):
        service.send(kind, "f" * 64, contents)
    digest = hashlib.sha256(
        json.dumps([["edgeproof_agent/__init__.py", described(contents)[0]["sha256"]]], separators=(",", ":")).encode()
    ).hexdigest()
    path = Path(service.send(kind, digest, contents)["path"])
    assert (path / "edgeproof_agent/__init__.py").read_bytes() == b"version = 1\n"
    assert bool(list(path.rglob("*.pyc"))) == (kind == "agents"), "the agent is compiled once, where it is stored"


def test_no_files_are_no_object(service: Service) -> None:
    with refused("request"):
        service.ask("begin", kind="media", digest=listing_digest([]), files=[])


def test_a_runtime_counts_once_it_is_published_and_says_what_it_is(service: Service) -> None:
    digest = "d" * 64
    folder = Path(service.send("runtimes", digest, {"requirements.lock": b"lock"})["path"])
    assert service.ask("inventory")["runtimes"] == []
    (folder / RUNTIME_FILE).write_text(json.dumps({"name": "tflite-runtime", "version": "2.14.0", "python": "3.11"}))
    path = service.ask("publish", digest=digest)["path"]
    assert service.ask("inventory")["runtimes"] == [
        {"digest": digest, "name": "tflite-runtime", "version": "2.14.0", "path": path}
    ]


@pytest.mark.parametrize("description", ["", "{", "[]", '{"name": 1}', '{"name": "x"}'])
def test_a_runtime_that_does_not_say_what_it_is_does_not_count(service: Service, description: str) -> None:
    folder = Path(service.send("runtimes", "d" * 64, {"requirements.lock": b"lock"})["path"])
    (folder / RUNTIME_FILE).write_text(description)
    service.ask("publish", digest="d" * 64)
    assert service.ask("inventory")["runtimes"] == []


@pytest.mark.parametrize("op", ["put", "finish", "publish", "build_runtime"])
def test_what_changes_the_store_needs_begin_first(service: Service, op: str) -> None:
    fields: dict[str, Any] = {
        "kind": "media",
        "digest": "a" * 64,
        "files": [],
        "name": "a",
        "version": "1",
        "offset": 0,
    }
    with refused("request"):
        service.ask(op, **fields, timeout_seconds=1)
    assert not service.root.exists()


def test_an_unwritable_home_is_told_in_words(service: Service) -> None:
    service.root.write_text("a file where the store should be")
    with refused("storage") as caught:
        service.ask("begin", kind="media", digest="a" * 64, files=described({"a": b""}))
    assert str(service.root) in str(caught.value)


def lock_is_free(service: Service) -> bool:
    other = Store(service.root)
    try:
        other.lock(0)
    except StoreError:
        return False
    other.unlock()
    return True


def test_the_lock_is_held_from_begin_to_finish_alone(service: Service) -> None:
    digest, contents = bundle()
    files = described(contents)
    service.ask("begin", kind="bundles", digest=digest, files=files)
    for name, content in contents.items():
        assert not lock_is_free(service)
        service.ask("put", content, kind="bundles", digest=digest, name=name, offset=0)
    assert not lock_is_free(service)
    service.ask("finish", kind="bundles", digest=digest)
    assert lock_is_free(service)
    service.ask("begin", kind="bundles", digest=digest, files=files)
    assert lock_is_free(service), "what is there already keeps nobody waiting"
    service.ask("switch", app="app", digest=digest)
    assert lock_is_free(service)


def test_the_lock_of_a_runtime_is_held_until_it_is_published(service: Service) -> None:
    service.send("runtimes", "d" * 64, {"requirements.lock": b"lock"})
    service.send("bundles", *bundle())
    assert not lock_is_free(service), "also when something else is sent in between"
    service.ask("publish", digest="d" * 64)
    assert lock_is_free(service)


@pytest.mark.parametrize("files", [[], described({"../x": b""}), described({"a": b""}) * 2])
def test_a_begin_that_is_refused_frees_the_lock(service: Service, files: list[dict[str, Any]]) -> None:
    with refused("request"):
        service.ask("begin", kind="media", digest="a" * 64, files=files)
    assert lock_is_free(service)


def test_a_finish_that_is_refused_frees_the_lock_and_the_upload_can_be_continued(service: Service) -> None:
    digest, contents = bundle()
    files = described(contents)
    service.ask("begin", kind="bundles", digest=digest, files=files)
    service.ask("put", contents["bundle.json"], kind="bundles", digest=digest, name="bundle.json", offset=0)
    with refused("checksum"):
        service.ask("finish", kind="bundles", digest=digest)
    assert lock_is_free(service)
    offsets = service.ask("begin", kind="bundles", digest=digest, files=files)["offsets"]
    assert offsets == {"bundle.json": len(contents["bundle.json"]), "model.tflite": 0, "labels.txt": 0}


def test_bytes_of_another_object_than_was_announced_are_refused(service: Service) -> None:
    service.ask("begin", kind="media", digest="a" * 64, files=described({"a": b"x"}))
    with refused("request"):
        service.ask("put", b"x", kind="media", digest="b" * 64, name="a", offset=0)
    with refused("request"):
        service.ask("finish", kind="bundles", digest="a" * 64)


def test_packed_bytes_are_unpacked_to_the_size_that_is_said(service: Service) -> None:
    content = b"0123456789" * 1000
    files = described({"a": content})
    digest = listing_digest([StoredFile(**files[0])])
    place: dict[str, Any] = {"kind": "media", "digest": digest, "name": "a", "offset": 0}
    service.ask("begin", kind="media", digest=digest, files=files)
    packed = zlib.compress(content)
    damaged: list[dict[str, Any]] = [
        {"payload": packed, "packed_from": len(content) - 1},
        {"payload": packed, "packed_from": len(content) + 1},
        {"payload": packed[:-20], "packed_from": len(content)},
        {"payload": b"junk", "packed_from": len(content)},
        {"payload": zlib.compress(bytes(1 << 26)), "packed_from": 1 << 20},
    ]
    for wrong in damaged:
        with refused("checksum"):
            service.ask("put", **wrong, **place)
    assert service.ask("put", packed, packed_from=len(content), **place) == {"size_bytes": len(content)}
    service.ask("finish", kind="media", digest=digest)


def chunk_list(contents: dict[str, bytes]) -> tuple[list[dict[str, object]], bytes]:
    return pack_chunks(
        {
            name: [
                (len(piece), hashlib.sha256(piece).digest()[:16])
                for piece in (content[start : start + 4] for start in range(0, len(content), 4))
            ]
            for name, content in contents.items()
        }
    )


def begin_with_chunks(service: Service, digest: str, contents: dict[str, bytes]) -> dict[str, Any]:
    header, payload = chunk_list(contents)
    return service.ask("begin", payload, kind="bundles", digest=digest, files=described(contents), chunks=header)


def test_what_an_older_bundle_has_is_not_asked_for(service: Service) -> None:
    old_digest, old = bundle()
    begin_with_chunks(service, old_digest, old)
    for name, content in old.items():
        service.ask("put", content, kind="bundles", digest=old_digest, name=name, offset=0)
    service.ask("finish", kind="bundles", digest=old_digest)
    digest, new = bundle(version=2)
    answer = begin_with_chunks(service, digest, new)
    manifest = new["bundle.json"]
    end = answer["known"]["bundle.json"][-1][1]
    assert answer["offsets"] == {"model.tflite": 5, "labels.txt": 7, "bundle.json": end}
    assert len(manifest) - 20 < end < len(manifest)
    service.ask("put", manifest[end:], kind="bundles", digest=digest, name="bundle.json", offset=end)
    path = Path(service.ask("finish", kind="bundles", digest=digest)["path"])
    assert {item.name: item.read_bytes() for item in path.iterdir()} == new


def test_a_bundle_that_changed_on_the_board_is_not_switched_to(service: Service) -> None:
    digest, contents = bundle()
    path = Path(service.send("bundles", digest, contents)["path"])
    (path / "labels.txt").write_bytes(b"dog\n")
    later = Service(service.root)
    with refused("damaged") as caught:
        later.ask("switch", app="app", digest=digest)
    assert "has changed on the board since it was stored" in str(caught.value)
    assert later.ask("inventory")["apps"] == {}


def test_a_file_that_changed_between_verify_and_switch_keeps_the_app_as_it_was(service: Service) -> None:
    digest, contents = bundle()
    path = Path(service.send("bundles", digest, contents)["path"])
    assert service.ask("verify", digest=digest) == {"whole": True}
    (path / "labels.txt").write_bytes(b"dog\n")
    with refused("damaged"):
        service.ask("switch", app="app", digest=digest)
    assert service.ask("inventory")["apps"] == {}


@pytest.mark.parametrize("verified", [False, True], ids=["sent", "verified"])
def test_a_bundle_that_waits_for_its_switch_is_kept_from_another_hosts_prune(service: Service, verified: bool) -> None:
    digest, contents = bundle()
    service.send("bundles", digest, contents)
    if verified:
        service = Service(service.root)
        service.ask("verify", digest=digest)
    other = Service(service.root)
    (unwanted,) = other.ask("prune", wanted={"bundles": []})["unwanted"]
    assert (unwanted["name"], unwanted["in_use"]) == (digest, True)
    assert service.ask("switch", app="app", digest=digest) == {"before": None}


def test_status_tells_what_is_served_and_what_it_takes(service: Service) -> None:
    digest, contents = bundle(name="people", variant="int8")
    service.send("bundles", digest, contents)
    service.ask("switch", app="app", digest=digest)
    status = service.ask("status")
    current = status["apps"]["app"]["current"]
    assert (current["digest"], current["name"], current["variant"]) == (digest, "people", "int8")
    assert 0 <= status["now_seconds"] - current["since_seconds"] < 600
    assert status["apps"]["app"]["previous"] is None
    assert status["disk_bytes"]["bundles"] >= current["disk_bytes"] > 0
    assert status["free_bytes"] > 0


def test_status_of_a_board_that_has_nothing_changes_nothing(service: Service) -> None:
    assert service.ask("status")["apps"] == {}
    assert not service.root.exists()


def test_pruning_keeps_what_is_asked_for(service: Service) -> None:
    store = Store(service.root)
    store.lock(0)
    for digest in ("a" * 64, "b" * 64):
        put(store, digest)
    store.unlock()
    sent, contents = bundle()
    service.send("bundles", sent, contents)
    unwanted = service.ask("prune", wanted={"bundles": ["a" * 64], "media": []}, dry_run=False)["unwanted"]
    assert [(item["kind"], item["name"], item["in_use"]) for item in unwanted] == sorted(
        [("bundles", "b" * 64, False), ("bundles", sent, True)]
    ), "what a session has sent may be about to run"
    assert store.digests(Kind.BUNDLE) == sorted(["a" * 64, sent])
    assert service.ask("inventory")["bundles"] == [sent], "the other one has no manifest"
    assert lock_is_free(service)


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_a_board_that_wants_signatures_refuses_unsigned_bundles_at_finish_and_switch(service: Service) -> None:
    key = Ed25519PrivateKey.generate()
    unsigned, unsigned_contents = bundle(version=1)
    service.send("bundles", unsigned, unsigned_contents)
    service.ask("require_signatures", keys=[public_key_text(key)])
    assert service.ask("inventory")["signers"] == [public_key_text(key)]
    with refused("signature"):
        service.ask("switch", app="app", digest=unsigned)
    digest, contents = bundle(version=2)
    with refused("signature"):
        service.send("bundles", digest, contents)
    assert service.ask("inventory")["bundles"] == [unsigned]
    signature = sign(contents["bundle.json"], key)
    service.send("bundles", digest, contents, signature=signature)
    assert service.ask("switch", app="app", digest=digest) == {"before": None}
    signed_later = sign(unsigned_contents["bundle.json"], key)
    assert service.ask("switch", app="app", digest=unsigned, signature=signed_later) == {"before": digest}
    assert service.ask("switch", app="app", digest=digest) == {"before": unsigned}
    assert service.ask("status")["apps"]["app"]["current"]["has_signature"]


def test_a_policy_that_leads_nowhere_lets_nothing_in(service: Service) -> None:
    service.root.mkdir(exist_ok=True)
    (service.root / "allowed_signers").symlink_to(service.root / "gone")
    digest, contents = bundle()
    with refused("signature"):
        service.send("bundles", digest, contents)
    assert service.ask("inventory")["signers"] == []


def test_a_bundle_that_was_verified_is_held_until_the_session_ends(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, contents = bundle()
    path = Path(service.send("bundles", digest, contents)["path"])
    held: list[Path] = []
    monkeypatch.setattr("edgeproof_agent.store.operations.hold", held.append)
    assert service.ask("verify", digest=digest) == {"whole": True}
    assert held == [path], "a switch may follow, and prune must leave it until then"
    (path / "labels.txt").write_bytes(b"changed")
    assert service.ask("verify", digest=digest) == {"whole": False}
    assert held == [path], "what is damaged is not held, so that it can be replaced"


def test_what_a_host_needs_is_noted_when_it_prunes_and_not_by_a_dry_run(service: Service) -> None:
    one, two = "1" * 32, "2" * 32
    store = Store(service.root)
    store.lock(0)
    digest = put(store, DIGEST, Kind.AGENT).name
    store.unlock()
    service.ask("prune", wanted={"agents": [digest]}, host=one, dry_run=True)
    assert not (service.root / "hosts").exists()
    service.ask("prune", wanted={"agents": [digest]}, host=one)
    assert service.ask("prune", wanted={"agents": []}, host=two) == {"unwanted": []}, "the other one needs it"
    (dropped,) = service.ask("prune", wanted={"agents": []}, host=two, all_hosts=True, dry_run=True)["unwanted"]
    assert dropped["name"] == digest
    assert service.ask("prune", wanted={"agents": []}, host=two) == {"unwanted": []}, "a dry run forgets nobody"
    service.ask("prune", wanted={"agents": []}, host=two, all_hosts=True)
    assert not (service.root / "agents" / digest).exists()
    assert [path.name for path in (service.root / "hosts").iterdir()] == [two]


def test_an_app_is_removed_by_name(service: Service) -> None:
    digest, contents = bundle()
    service.send("bundles", digest, contents)
    service.ask("switch", app="people", digest=digest)
    with refused("app"):
        service.ask("remove_app", app="nobody")
    write_description(Store(service.root), a_service("people", agent=DIGEST, runtime=DIGEST))
    with refused("served"):
        service.ask("remove_app", app="people")
    assert service.ask("inventory")["apps"]["people"]["current"] == digest
    (service_folder(Store(service.root), "people") / "service.json").unlink()
    service.ask("remove_app", app="people")
    assert service.ask("inventory")["apps"] == {}
    with refused("app"):
        service.ask("prune", wanted={}, let_go=["people"])
