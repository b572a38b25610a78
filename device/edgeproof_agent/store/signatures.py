"""Refuses bundles that nobody vouches for, on boards that are told to: OpenSSH signatures, checked by ssh-keygen.

`allowed_signers` in the store holds the policy. Without it every bundle is welcome.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from edgeproof_agent.store.objects import POLICY_FILE, Store, StoreError, replace_file

NAMESPACE = "edgeproof"
MAX_SIGNATURE_CHARACTERS = 8192
MAX_KEYS = 64
_MAX_POLICY_BYTES = 1 << 16
PUBLIC_KEY = re.compile(r"ssh-ed25519 [A-Za-z0-9+/=]{40,200}")
_VERIFY_SECONDS = 30


def allowed_keys(store: Store) -> Optional[list[str]]:
    """Public keys of which one must have signed; None when no signature is asked for.

    None of them is left, and no bundle is good, where the policy is a folder or a symlink to nowhere.
    """
    if not store.has_policy():
        return None
    try:
        with _policy(store).open("rb") as file:
            text = file.read(_MAX_POLICY_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return []
    return [match.group() for line in text.splitlines() for match in [PUBLIC_KEY.search(line)] if match]


def require_signatures(store: Store, keys: Sequence[str]) -> None:
    """From now on only bundles that one of these keys has signed are stored or switched to.

    A policy that is there is never replaced, not even a broken one: a host that may push could let itself in.
    Raises `StoreError`.
    """
    store.require_lock()
    if not keys or not all(PUBLIC_KEY.fullmatch(key) for key in keys):
        raise StoreError("request", "a signer is named by a public key: ssh-ed25519 AAAA...")
    _find_ssh_keygen()
    allowed = allowed_keys(store)
    if allowed is not None:
        if set(allowed) == set(keys):
            return
        raise StoreError(
            "signature",
            f"this board asks for signatures of other keys already. Who may log in there changes that: edit or delete "
            f"{_policy(store)} on the board",
        )
    lines = [f'{NAMESPACE} namespaces="{NAMESPACE}" {key}\n' for key in keys]
    replace_file(_policy(store), "".join(lines).encode())


def check_signature(store: Store, digest: str, manifest: bytes, signature: Optional[str]) -> None:
    """Checks who signed a bundle's manifest, if the board asks for that, and keeps a signature that is given.

    Without one the signature that was kept is taken. Raises `StoreError`.
    """
    kept = store.root / "signatures" / digest
    if not store.has_policy():
        if signature is not None:
            replace_file(kept, signature.encode())
        return
    if not allowed_keys(store):
        raise StoreError("signature", f"no bundle is taken: {_policy(store)} cannot be read or names no ed25519 key")
    if signature is None:
        try:
            with kept.open(encoding="utf-8", errors="replace") as file:
                signature = file.read(MAX_SIGNATURE_CHARACTERS)
        except FileNotFoundError:
            raise StoreError(
                "signature", f"this board takes signed bundles alone, and {digest[:12]} is not signed"
            ) from None
    _verify(_policy(store), manifest, signature)
    replace_file(kept, signature.encode())


def _verify(policy: Path, manifest: bytes, signature: str) -> None:
    command = [_find_ssh_keygen(), "-Y", "verify", "-f", str(policy), "-I", NAMESPACE, "-n", NAMESPACE, "-s"]
    with tempfile.NamedTemporaryFile() as file:
        file.write(signature.encode())
        file.flush()
        try:
            done = subprocess.run(
                [*command, file.name],
                input=manifest,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_VERIFY_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise StoreError("signature", "ssh-keygen did not end, so the signature could not be checked") from None
    if done.returncode != 0:
        words = done.stdout.decode("utf-8", errors="replace").strip()[-300:]
        raise StoreError("signature", f"the bundle is not signed by a key that this board trusts: {words}")


def _find_ssh_keygen() -> str:
    found = shutil.which("ssh-keygen")
    if found is None:
        raise StoreError(
            "signature", "signatures cannot be checked: there is no ssh-keygen (sudo apt install openssh-client)"
        )
    return found


def _policy(store: Store) -> Path:
    return store.root / POLICY_FILE
