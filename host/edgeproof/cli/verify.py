"""`edgeproof verify`: who signed a report, and whether all that it states follows from its samples."""

from pathlib import Path

import click

from edgeproof.board.store.signing import read_public_keys
from edgeproof.bundle import open_bundle
from edgeproof.check.signed import proof_lines, signer_of
from edgeproof.cli.display.echo import echo
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.paths import PATH
from edgeproof.errors import ReportError
from edgeproof.record.reader import read_report
from edgeproof.verify.rederive import discrepancies, unchecked

_REPORT = "report.json"


@click.command(name="verify", cls=BoardCommand)
@click.argument("report", type=PATH)
@click.option("--signer", metavar="KEY", help="Whose signature it must have: 'ssh-ed25519 AAAA...' or a .pub file.")
@click.option("--bundle", type=PATH, help="The bundle that it must be about.")
def command(report: Path, signer: str | None, bundle: Path | None) -> None:
    """Check a REPORT (report.json or its folder): its signature, its samples, and every figure and gate from them.

    Exit status 0 when all of it holds, else 2.
    """
    path = report / _REPORT if report.is_dir() else report
    allowed = None if signer is None else read_public_keys(signer, "--signer")[0]
    signed_by = signer_of(path, allowed)
    if signed_by is None and signer is not None:
        raise ReportError(f"{path}: it is not signed. Sign one as it is made: edgeproof check --sign KEY")
    found = read_report(path)
    wrong = discrepancies(found)
    if wrong:
        raise ReportError(
            "\n".join([f"{path}: it does not follow from its samples:", *(f"  {line}" for line in wrong)])
        )
    if bundle is not None:
        _require_bundle(path, open_bundle(bundle).digest, {run.bundle.digest for run in found.runs})
    echo(f"signed by {signed_by}" if signed_by else "not signed: anybody may have written it")
    echo("its samples are those that it names, and its figures, gates and verdict follow from them")
    for line in unchecked(found):
        echo(f"not worked out anew: {line}")
    for line in proof_lines(found, path):
        echo(line)


def _require_bundle(path: Path, digest: str, digests: set[str]) -> None:
    if digests != {digest}:
        others = ", ".join(sorted(other[:12] for other in digests - {digest}))
        raise ReportError(f"{path}: it is about another bundle than {digest[:12]}: {others}")
