"""The verdict as Markdown for GitHub's job summary, which takes 1024 KiB of it."""

from pathlib import Path

from edgeproof.local_files.atomic_file import write_atomically
from edgeproof.record.run import Report, Run
from edgeproof.record.verdict.claims import Answer, Claim
from edgeproof.record.verdict.parity import Parity
from edgeproof.report.sinks.junit import suite_name
from edgeproof.report.text.verdict import figure, limits, parity_lines
from edgeproof.wording.printable import shown_line

MAX_BYTES = 1024 * 1024
_MARKS = {Answer.PASS: "✅ pass", Answer.FAIL: "❌ fail", Answer.INCONCLUSIVE: "❔ inconclusive"}
_SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\`*_[]()#|!~<>@&"})
_CUT = "\n\n_The rest is left out: see report.json._\n"


def write_markdown(report: Report, path: Path) -> None:
    """Writes `markdown`, as a whole or not at all."""
    write_atomically(path, markdown(report).encode())


def markdown(report: Report) -> str:
    """Verdict first, then a table of gates for each run. Text from elsewhere is text: it links and tags nothing."""
    verdict = report.verdict
    answer = "none, since no gate was given" if verdict is None else _MARKS[verdict]
    parts = [f"## edgeproof: {answer}\n"]
    parts += [_run(run) for run in report.runs]
    if report.not_measured:
        parts.append("### not measured\n\n" + "".join(f"- {_text(words)}\n" for words in report.not_measured))
    return _bounded(parts)


def _run(run: Run) -> str:
    lines = [f"### {_text(suite_name(run))}\n"]
    if run.claims:
        lines += ["| gate | answer | value | bounds | note |", "|---|---|---:|---:|---|"]
        lines += [_row(claim) for claim in run.claims]
        lines.append("")
    lines += [f"- {_text(line)}" for line in [*limits(run), *_parity(run.parity)]]
    if run.error is not None:
        lines.append(f"- the run ended early: {_text(run.error)}")
    return "\n".join(lines) + "\n"


def _row(claim: Claim) -> str:
    unit = f" {claim.unit}" if claim.unit else ""
    value = "" if claim.value is None else f"{figure(claim.value)}{unit}"
    exact = claim.low is not None and claim.low == claim.high
    unknown = claim.value is None or exact
    low, high = ("…" if bound is None else figure(bound) for bound in (claim.low, claim.high))
    bounds = "" if unknown else f"{low} to {high}"
    cells = [_text(claim.gate), _MARKS[claim.answer], _text(value), bounds, _text(claim.note or "")]
    return f"| {' | '.join(cells)} |"


def _parity(parity: Parity | None) -> list[str]:
    return [] if parity is None else [line.strip() for line in parity_lines(parity)]


def _text(text: str) -> str:
    return shown_line(text).translate(_SPECIAL)


def _bounded(parts: list[str]) -> str:
    """As many whole parts as fit."""
    text, size = "", len(_CUT.encode())
    for part in parts:
        size += len(part.encode()) + 1
        if size > MAX_BYTES:
            return text + _CUT
        text += part + "\n"
    return text
