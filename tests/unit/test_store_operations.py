"""The store behind the protocol: what a host asks for in a session, and what it is told."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from edgeproof_agent import PROTOCOL_VERSION
from edgeproof_agent.frames import Frame
from edgeproof_agent.service import Exchange, RequestError
from edgeproof_agent.store import Store, listing_digest
from edgeproof_agent.store_operations import RUNTIME_FILE, StoreOperations


class Service:
    def __init__(self, root: Path) -> None:
        self.root = root
        self._table = StoreOperations(Store(root)).table()

    def ask(self, op: str, payload: bytes = b"", **fields: Any) -> dict[str, Any]:
        # None of these operations sends events, so none needs a link.
        exchange = Exchange(None, 1, Frame({"id": 1, "op": op, **fields}, payload))  # type: ignore[arg-type]
        return self._table[op](exchange)[0]

    def send(self, kind: str, digest: str, contents: dict[str, bytes]) -> dict[str, Any]:
        files = described(contents)
        self.ask("begin", kind=kind, digest=digest, files=files)
        for name, content in contents.items():
            self.ask("put", content, kind=kind, digest=digest, name=name, offset=0)
        return self.ask("finish", kind=kind, digest=digest, files=files)


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
    service.ask("begin", kind="media", digest="a" * 64, files=described({"a": b""}))
    with refused("storage"):
        service.ask("finish", kind="media", digest=listing_digest([]), files=[])


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
    fields = {"kind": "media", "digest": "a" * 64, "files": [], "name": "a", "version": "1", "offset": 0}
    with refused("request"):
        service.ask(op, **fields, timeout_seconds=1)
    assert not service.root.exists()


def test_an_unwritable_home_is_told_in_words(service: Service) -> None:
    service.root.write_text("a file where the store should be")
    with refused("storage") as caught:
        service.ask("begin", kind="media", digest="a" * 64, files=described({"a": b""}))
    assert str(service.root) in str(caught.value)
