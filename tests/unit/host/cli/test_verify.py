"""`edgeproof verify`: a signed report that holds, and what is refused."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edgeproof.board.store.signing import public_key_text
from edgeproof.check.signed import proof_lines, sign_report, signature_path, signer_of
from edgeproof.cli.main import cli
from edgeproof.record.run import Report
from edgeproof.record.writer import write_report
from edgeproof.verify.gate_text import parse_gates
from edgeproof.verify.gates import evaluate
from tests.support import sample_report as sample

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
GATES = parse_gates({"total": ["p50 < 60 ms", "p95 < 80 ms"], "size": "< 6 MB"})
KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


def report() -> Report:
    run = sample.run()
    return Report((replace(run, claims=evaluate(GATES, run)),))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_report(report(), tmp_path / "report.json")
    sign_report(tmp_path / "report.json", KEY)
    return tmp_path / "report.json"


def verify(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["verify", *map(str, arguments)])


def test_a_signed_report_that_follows_from_its_samples_holds(path: Path) -> None:
    done = verify(path.parent, "--signer", public_key_text(KEY))
    assert done.exit_code == 0, done.output
    assert done.output.startswith("signed by SHA256:")
    assert "its figures, gates and verdict follow from them" in done.output
    assert 'edgeproof-proof v1 verdict=pass board=demo bundle=a8a8a8a8a8a8a8a8 "total p50 < 60 ms" n=200' in done.output


def test_the_line_that_stands_for_it_holds_the_digest_of_the_very_file(path: Path) -> None:
    (line,) = proof_lines(report(), path)
    assert line.split()[-1].startswith("sha256:")
    path.write_text(path.read_text() + " ")
    assert proof_lines(report(), path) != [line]


def test_a_report_that_nobody_signed_is_said_to_be(path: Path) -> None:
    signature_path(path).unlink()
    assert signer_of(path) is None
    done = verify(path)
    assert done.exit_code == 0
    assert done.output.startswith("not signed: anybody may have written it\n")
    refused = verify(path, "--signer", public_key_text(KEY))
    assert "it is not signed" in str(refused.exception)


def test_the_signature_of_somebody_else_is_refused(path: Path) -> None:
    refused = verify(path, "--signer", public_key_text(OTHER))
    assert "it is no signature by that key of report.json as it is now" in str(refused.exception)


def test_a_signer_that_is_no_key_is_said_to_be(path: Path) -> None:
    assert str(verify(path, "--signer", "nowhere.pub").exception) == (
        "nowhere.pub: there is no such file. --signer names it."
    )


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_report_that_was_changed_after_signing_is_refused(path: Path) -> None:
    edited(path, '"pedestrian"', '"pedestrians"')
    assert "it is no signature of report.json as it is now" in str(verify(path).exception)


def test_a_changed_sample_is_refused(path: Path) -> None:
    samples = path.parent / "samples" / "0.i64"
    data = bytearray(samples.read_bytes())
    data[3] ^= 1
    samples.write_bytes(data)
    assert "its samples are not those that the report names" in str(verify(path).exception)


def test_a_changed_gate_is_refused_also_when_it_is_signed_anew(path: Path) -> None:
    edited(path, "total p95 < 80 ms", "total p95 < 10 ms")
    sign_report(path, KEY)
    assert "total p95 < 10 ms is told as pass" in str(verify(path).exception)


def test_a_verdict_that_is_not_that_of_the_gates_is_refused(path: Path) -> None:
    edited(path, '"verdict": "pass"', '"verdict": "fail"')
    sign_report(path, KEY)
    assert "its verdict is fail, which is not that of its gates" in str(verify(path).exception)


def test_a_signature_that_is_none_is_refused(path: Path) -> None:
    signature_path(path).write_text("-----BEGIN SSH SIGNATURE-----\nnonsense\n")
    assert "it is no signature" in str(verify(path).exception)


def test_a_report_about_another_bundle_is_refused(path: Path, tiny_bundles: dict[str, Path]) -> None:
    assert "it is about another bundle than" in str(verify(path, "--bundle", tiny_bundles["int8"]).exception)


def test_what_is_verified_is_what_was_written(path: Path) -> None:
    assert json.loads(path.read_text())["verdict"] == "pass"
