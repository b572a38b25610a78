"""Signs a report with the user's SSH key, says who signed one, and puts it into one line."""

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edgeproof.board.store.signing import sign
from edgeproof.errors import SigningError
from edgeproof.local_files.atomic_file import write_atomically
from edgeproof.local_files.bounded_files import read_bounded, readable
from edgeproof.record.run import Report
from edgeproof_agent.store.signatures import MAX_SIGNATURE_CHARACTERS, NAMESPACE

MAX_REPORT_BYTES = 512 << 20
_SECONDS = 60
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


def signature_path(report: Path) -> Path:
    """`report.json.sig`, beside it: as `ssh-keygen -Y sign` names it."""
    return report.with_name(f"{report.name}.sig")


def sign_report(path: Path, key: Ed25519PrivateKey) -> None:
    """Writes the signature beside a report, which holds the digests of its samples."""
    write_atomically(signature_path(path), sign(read_bounded(path, MAX_REPORT_BYTES), key).encode())


def signer_of(path: Path, allowed: str | None = None) -> str | None:
    """Fingerprint of the key that signed exactly this report; None when it is not signed.

    With `allowed`, a public key, a signature by another one is none. Raises `SigningError` when there is a signature
    that does not hold, or it cannot be checked.
    """
    signature = signature_path(path)
    if not signature.exists():
        return None
    keygen = shutil.which("ssh-keygen")
    if keygen is None:
        raise SigningError("the signature cannot be checked: there is no ssh-keygen (sudo apt install openssh-client)")
    with readable(signature, SigningError):
        armored = read_bounded(signature, MAX_SIGNATURE_CHARACTERS)
    with readable(path, SigningError):
        message = read_bounded(path, MAX_REPORT_BYTES)
    with tempfile.TemporaryDirectory(prefix="edgeproof-") as folder:
        copy, signers = Path(folder) / "sig", Path(folder) / "signers"
        copy.write_bytes(armored)
        command = [keygen, "-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(copy)]
        if allowed is not None:
            signers.write_text(f'{NAMESPACE} namespaces="{NAMESPACE}" {allowed}\n', encoding="ascii")
            command = [keygen, "-Y", "verify", "-f", str(signers), "-I", NAMESPACE, "-n", NAMESPACE, "-s", str(copy)]
        try:
            done = subprocess.run(
                command, input=message, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_SECONDS
            )
        except subprocess.TimeoutExpired:
            raise SigningError("ssh-keygen did not end, so the signature could not be checked") from None
    found = _FINGERPRINT.search(done.stdout.decode("utf-8", errors="replace"))
    if done.returncode != 0 or found is None:
        by = "" if allowed is None else " by that key"
        raise SigningError(f"{signature}: it is no signature{by} of {path.name} as it is now")
    return found.group()


def proof_lines(report: Report, path: Path) -> list[str]:
    """A line a run that stands for the report: verdict, board, bundle, gates with samples, the report's SHA-256."""
    digest = hashlib.sha256(read_bounded(path, MAX_REPORT_BYTES)).hexdigest()
    verdict = "none" if report.verdict is None else report.verdict.value
    lines = []
    for run in report.runs:
        gates = [
            json.dumps(claim.gate, ensure_ascii=False) + ("" if claim.samples is None else f" n={claim.samples}")
            for claim in run.claims
        ]
        words = [
            "edgeproof-proof v1",
            f"verdict={verdict}",
            f"board={_word(run.board.name)}",
            f"bundle={run.bundle.digest[:16]}",
            *gates,
            f"sha256:{digest}",
        ]
        lines.append(" ".join(words))
    return lines


def _word(text: str) -> str:
    """A name as it is where it is one plain word, else in quotes."""
    return text if re.fullmatch(r"[\w.@:+-]+", text) else json.dumps(text, ensure_ascii=False)
