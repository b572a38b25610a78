"""Signatures are OpenSSH's: ssh-keygen itself checks what is signed here, and the board refuses what it does not."""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from edgeproof.board.store.signing import load_signing_key, public_key_text, read_public_keys, sign
from edgeproof.bundle import write_bundle
from edgeproof.cli.push import command as push
from edgeproof.errors import SigningError
from edgeproof_agent.store.objects import Store
from edgeproof_agent.store.signatures import NAMESPACE, allowed_keys, check_signature, require_signatures
from tests.support.example_manifest import MANIFEST as EXAMPLE_MANIFEST
from tests.support.stores import DIGEST, OTHER, refused

MANIFEST = b'{"files": {}}\n'
needs_ssh_keygen = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed: signatures were not checked by OpenSSH"
)


def never_asked() -> str:
    raise AssertionError("a passphrase was asked for")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    store.lock(0)
    return store


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@needs_ssh_keygen
@pytest.mark.parametrize("message", [b"", MANIFEST, bytes(range(256)) * 5000])
def test_openssh_takes_a_signature_for_its_own(tmp_path: Path, key: Ed25519PrivateKey, message: bytes) -> None:
    (tmp_path / "allowed").write_text(f"me {public_key_text(key)}\n")
    (tmp_path / "sig").write_text(sign(message, key))
    command: list[str | Path] = [
        "ssh-keygen",
        "-Y",
        "verify",
        "-f",
        tmp_path / "allowed",
        "-I",
        "me",
        "-s",
        tmp_path / "sig",
        "-n",
    ]
    assert b"Good" in subprocess.run([*command, NAMESPACE], input=message, capture_output=True, check=True).stdout
    assert subprocess.run([*command, "file"], input=message, capture_output=True).returncode != 0
    assert subprocess.run([*command, NAMESPACE], input=message + b".", capture_output=True).returncode != 0


@needs_ssh_keygen
def test_a_signature_is_byte_by_byte_what_openssh_writes(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    theirs = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-f", tmp_path / "key", "-n", NAMESPACE],
        input=MANIFEST,
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert sign(MANIFEST, load_signing_key(tmp_path / "key", never_asked)) == theirs


def write_key(path: Path, key: Ed25519PrivateKey, passphrase: bytes | None = None) -> Path:
    how = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, how))
    return path


def test_a_key_with_a_passphrase_asks_for_it(tmp_path: Path, key: Ed25519PrivateKey) -> None:
    path = write_key(tmp_path / "key", key, b"open sesame")
    assert public_key_text(load_signing_key(path, lambda: "open sesame")) == public_key_text(key)
    with pytest.raises(SigningError, match="the passphrase is wrong"):
        load_signing_key(path, lambda: "shut")


def test_without_a_terminal_nobody_is_asked_for_a_passphrase(tmp_path: Path, key: Ed25519PrivateKey) -> None:
    bundle = write_bundle(tmp_path / "bundle", EXAMPLE_MANIFEST, b"model", ["person"]).path
    path = write_key(tmp_path / "key", key, b"open sesame")
    done = CliRunner().invoke(push, ["user@board", str(bundle), "--sign", str(path)])
    assert isinstance(done.exception, SigningError)
    assert f"the key {path} is protected by a passphrase. Run this on a terminal" in str(done.exception)


def test_a_file_in_place_of_a_bundle_is_told_from_its_folder(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle", EXAMPLE_MANIFEST, b"model", ["person"]).path
    (tmp_path / "bundle.zip").write_bytes(b"PK")
    inside = CliRunner().invoke(push, ["user@board", str(bundle / "model.tflite")])
    assert str(inside.exception).endswith(f"a bundle is a folder with bundle.json. Name the folder: {bundle}")
    packed = CliRunner().invoke(push, ["user@board", str(tmp_path / "bundle.zip")])
    assert str(packed.exception).endswith("Name the folder")


def test_a_public_key_does_not_sign(tmp_path: Path, key: Ed25519PrivateKey) -> None:
    (tmp_path / "key.pub").write_text(public_key_text(key))
    with pytest.raises(SigningError, match=f"is a public key, and the private one signs: {tmp_path / 'key'}$"):
        load_signing_key(tmp_path / "key.pub", never_asked)


def test_what_is_no_ed25519_key_is_told(tmp_path: Path) -> None:
    with pytest.raises(SigningError, match="nowhere: there is no such file. Name an OpenSSH"):
        load_signing_key(tmp_path / "nowhere", never_asked)
    for content in (b"", b"junk", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"):
        (tmp_path / "key").write_bytes(content)
        with pytest.raises(SigningError, match="ssh-keygen -t ed25519"):
            load_signing_key(tmp_path / "key", never_asked)
    rsa = generate_private_key(65537, 2048)
    (tmp_path / "rsa").write_bytes(rsa.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    with pytest.raises(SigningError, match="no ed25519 key"):
        load_signing_key(tmp_path / "rsa", never_asked)


def test_signers_are_named_by_key_or_file(tmp_path: Path, key: Ed25519PrivateKey) -> None:
    text = public_key_text(key)
    (tmp_path / "key.pub").write_text(f"{text} me@host\n")
    assert read_public_keys([f"{text} a comment", str(tmp_path / "key.pub")]) == [text, text]
    assert read_public_keys(text) == [text]
    assert read_public_keys(()) == []
    (tmp_path / "bad.pub").write_text("ssh-rsa AAAA")
    for named in ("ssh-ed25519 A", "ssh-rsa AAAA", str(tmp_path / "nowhere.pub"), str(tmp_path / "bad.pub")):
        with pytest.raises(SigningError, match="require_signature"):
            read_public_keys([named])


def test_without_a_policy_every_bundle_is_welcome(store: Store, key: Ed25519PrivateKey) -> None:
    assert allowed_keys(store) is None
    check_signature(store, DIGEST, MANIFEST, None)
    check_signature(store, DIGEST, MANIFEST, "whatever it is")
    assert (store.root / "signatures" / DIGEST).read_text() == "whatever it is"


@needs_ssh_keygen
def test_with_a_policy_only_its_signers_bundles_are_taken(store: Store, key: Ed25519PrivateKey) -> None:
    other = Ed25519PrivateKey.generate()
    require_signatures(store, [public_key_text(Ed25519PrivateKey.generate()), public_key_text(key)])
    assert public_key_text(key) in (allowed_keys(store) or [])
    with refused("signature") as caught:
        check_signature(store, DIGEST, MANIFEST, None)
    assert "takes signed bundles alone" in str(caught.value)
    good = sign(MANIFEST, key)
    for bad in (sign(MANIFEST, other), sign(MANIFEST + b".", key), "", "junk", good[:-60], good.replace("A", "B", 1)):
        with refused("signature"):
            check_signature(store, DIGEST, MANIFEST, bad)
    assert not (store.root / "signatures" / DIGEST).exists()
    check_signature(store, DIGEST, MANIFEST, good)
    check_signature(store, DIGEST, MANIFEST, None)  # it is kept
    with refused("signature"):
        check_signature(store, OTHER, MANIFEST, None)


@needs_ssh_keygen
def test_a_signature_that_was_kept_counts_under_the_policy_of_today(store: Store, key: Ed25519PrivateKey) -> None:
    check_signature(store, DIGEST, MANIFEST, sign(MANIFEST, key))
    require_signatures(store, [public_key_text(Ed25519PrivateKey.generate())])
    with refused("signature"):
        check_signature(store, DIGEST, MANIFEST, None)


@needs_ssh_keygen
def test_a_policy_is_never_replaced_by_a_host(store: Store, key: Ed25519PrivateKey) -> None:
    keys = [public_key_text(Ed25519PrivateKey.generate()), public_key_text(key)]
    require_signatures(store, keys)
    policy = store.root / "allowed_signers"
    before = policy.read_bytes()
    require_signatures(store, keys[::-1])
    for others in (keys[:1], [*keys, public_key_text(Ed25519PrivateKey.generate())]):
        with refused("signature") as caught:
            require_signatures(store, others)
        assert f"edit or delete {policy} on the board" in str(caught.value)
    assert policy.read_bytes() == before
    policy.write_text("broken\n")
    with refused("signature"):
        require_signatures(store, keys)
    assert policy.read_text() == "broken\n"


@needs_ssh_keygen
@pytest.mark.parametrize("policy", ["", "junk\n", "edgeproof ssh-ed25519 AAAA\n"])
def test_a_broken_policy_refuses_everything(store: Store, key: Ed25519PrivateKey, policy: str) -> None:
    (store.root / "allowed_signers").write_text(policy)
    with refused("signature"):
        check_signature(store, DIGEST, MANIFEST, sign(MANIFEST, key))


@pytest.mark.parametrize("target", ["nowhere", "."])
def test_a_policy_that_cannot_be_read_refuses_everything(store: Store, key: Ed25519PrivateKey, target: str) -> None:
    (store.root / "allowed_signers").symlink_to(target)
    assert allowed_keys(store) == []
    for signature in (sign(MANIFEST, key), None):
        with refused("signature") as caught:
            check_signature(store, DIGEST, MANIFEST, signature)
        assert "allowed_signers cannot be read or names no ed25519 key" in str(caught.value)


@needs_ssh_keygen
def test_a_policy_may_lie_elsewhere(store: Store, key: Ed25519PrivateKey, tmp_path: Path) -> None:
    require_signatures(store, [public_key_text(key)])
    policy = (store.root / "allowed_signers").rename(tmp_path / "policy")
    (store.root / "allowed_signers").symlink_to(policy)
    with refused("signature"):
        check_signature(store, DIGEST, MANIFEST, None)
    check_signature(store, DIGEST, MANIFEST, sign(MANIFEST, key))


def test_a_board_without_ssh_keygen_says_what_it_needs(
    store: Store, key: Ed25519PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store.root / "allowed_signers").write_text(f"edgeproof {public_key_text(key)}\n")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with refused("signature") as caught:
        check_signature(store, DIGEST, MANIFEST, sign(MANIFEST, key))
    assert "sudo apt install openssh-client" in str(caught.value)
    with refused("signature"):
        require_signatures(store, [public_key_text(key)])


@pytest.mark.parametrize("keys", [[], ["junk"], ["ssh-ed25519 A"], ["ssh-ed25519 " + "A" * 60 + "\nevil key"]])
def test_a_policy_holds_public_keys_alone(store: Store, keys: list[str]) -> None:
    with refused("request"):
        require_signatures(store, keys)
    assert allowed_keys(store) is None


def test_the_blob_is_what_its_specification_says(key: Ed25519PrivateKey) -> None:
    armored = sign(MANIFEST, key)
    lines = armored.splitlines()
    assert (lines[0], lines[-1]) == ("-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----")
    blob = base64.b64decode("".join(lines[1:-1]))
    assert blob.startswith(b"SSHSIG\0\0\0\1\0\0\0\x33\0\0\0\x0bssh-ed25519")
    assert b"\0\0\0\x09edgeproof\0\0\0\0\0\0\0\x06sha512" in blob
