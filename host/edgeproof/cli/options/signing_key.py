"""A key to sign with; its passphrase is asked for on a terminal."""

import sys
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edgeproof.board.store.signing import load_signing_key
from edgeproof.errors import SigningError


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """Raises `SigningError`, also where a passphrase is needed and nobody can be asked."""

    def ask_passphrase() -> str:
        if not sys.stdin.isatty():
            raise SigningError(
                f"the key {path} is protected by a passphrase. Run this on a terminal, where you are asked for it, or "
                "sign with a key that has none"
            )
        passphrase: str = click.prompt(f"Passphrase of {path}", hide_input=True, err=True)
        return passphrase

    return load_signing_key(path, ask_passphrase)
