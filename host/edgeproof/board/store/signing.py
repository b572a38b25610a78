"""Signs a bundle with an OpenSSH key as `ssh-keygen -Y sign -n edgeproof` does; says whose signature a board wants.

The format is OpenSSH's PROTOCOL.sshsig. What is signed is `bundle.json`, which holds the digests of all other files.
"""

import base64
import binascii
import hashlib
import struct
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from edgeproof.board.store.client import BoardStore
from edgeproof.bundle import Bundle
from edgeproof.errors import DeploymentError, SigningError
from edgeproof.local_files.bounded_files import read_bounded, readable
from edgeproof_agent.bundle.manifest import MANIFEST_FILE
from edgeproof_agent.store.signatures import NAMESPACE, PUBLIC_KEY

_MAGIC = b"SSHSIG"
_VERSION = 1
_HASH = "sha512"
_MAX_KEY_BYTES = 1 << 16


def load_signing_key(path: Path, ask_passphrase: Callable[[], str]) -> Ed25519PrivateKey:
    """Reads an OpenSSH ed25519 private key; `ask_passphrase` is called when it has one. Raises `SigningError`."""
    with readable(path, SigningError, "Name an OpenSSH ed25519 private key with --sign."):
        data = read_bounded(path, _MAX_KEY_BYTES)
    if data.startswith(b"ssh-"):
        private = path.with_suffix("") if path.suffix == ".pub" else "the file that was made with it"
        raise SigningError(f"{path} is a public key, and the private one signs: {private}")
    try:
        key = _load(data, ask_passphrase)
    except (ValueError, UnsupportedAlgorithm, TypeError) as error:
        raise SigningError(
            f"{path} cannot be used to sign: it is no OpenSSH private key, or the passphrase is wrong ({error}). "
            "Make one with: ssh-keygen -t ed25519 -f edgeproof_key"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningError(f"{path} is no ed25519 key. Make one with: ssh-keygen -t ed25519 -f edgeproof_key")
    return key


def sign_bundle(bundle: Bundle, key: Ed25519PrivateKey) -> str:
    """The armored signature of a bundle's manifest."""
    return sign((bundle.path / MANIFEST_FILE).read_bytes(), key)


def sign(message: bytes, key: Ed25519PrivateKey) -> str:
    """An armored SSH signature of a message in edgeproof's namespace."""
    public = base64.b64decode(public_key_text(key).split()[1])
    digest = hashlib.new(_HASH, message).digest()
    common = _string(NAMESPACE.encode()) + _string(b"") + _string(_HASH.encode())
    signature = key.sign(_MAGIC + common + _string(digest))
    blob = _MAGIC + struct.pack(">I", _VERSION) + _string(public) + common
    blob += _string(_string(b"ssh-ed25519") + _string(signature))
    body = "\n".join(textwrap.wrap(base64.b64encode(blob).decode(), 70))
    return f"-----BEGIN SSH SIGNATURE-----\n{body}\n-----END SSH SIGNATURE-----\n"


def public_key_text(key: Ed25519PrivateKey) -> str:
    """`ssh-ed25519 AAAA...`, as it stands in a .pub file."""
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def read_public_keys(named: str | Sequence[str], named_by: str = "require_signature in edgeproof.toml") -> list[str]:
    """Public keys, each given as `ssh-ed25519 AAAA...` or as the path of a .pub file.

    Raises `SigningError`, which says where the keys are `named_by`.
    """
    return [_public_key(item, named_by) for item in ([named] if isinstance(named, str) else named)]


def apply_signature_policy(store: BoardStore, keys: Sequence[str]) -> None:
    """Has the board ask for a signature by one of `keys`; without keys nothing changes.

    Raises `DeploymentError` when the board asks for those of others: whoever may change that does it on the board.
    """
    wanted = frozenset(keys)
    if not wanted or store.inventory.signers == wanted:
        return
    if store.inventory.signers is not None:
        raise DeploymentError(
            "the board trusts other signatures than the board's profile asks for (require_signature). To change that, "
            f"delete {store.root}/allowed_signers on the board."
        )
    store.require_signatures(sorted(wanted))


def _load(data: bytes, ask_passphrase: Callable[[], str]) -> object:
    try:
        return load_ssh_private_key(data, None)
    except TypeError:  # it is encrypted
        return load_ssh_private_key(data, ask_passphrase().encode())


def _public_key(named: str, named_by: str) -> str:
    text = named
    if not named.startswith("ssh-"):
        with readable(Path(named), SigningError, f"{named_by} names it."):
            text = read_bounded(Path(named), _MAX_KEY_BYTES).decode()
    match = PUBLIC_KEY.match(text.strip())
    try:
        if match is None:
            raise ValueError("not a public key")
        base64.b64decode(match.group().split()[1], validate=True)
    except (ValueError, binascii.Error):
        raise SigningError(
            f"{named_by} names {named[:60]}, which is no ed25519 public key "
            "(ssh-ed25519 AAAA..., or the path of a .pub file)"
        ) from None
    return match.group()


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
