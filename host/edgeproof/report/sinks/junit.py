"""The verdict as JUnit XML, for CI systems that show tests: a test case a gate and run."""

from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from edgeproof.local_files.atomic_file import write_atomically
from edgeproof.record.run import Report, Run
from edgeproof.record.verdict.claims import Answer, Claim
from edgeproof.report.text.verdict import claim_line
from edgeproof.wording.printable import printable


def write_junit(report: Report, path: Path, allow_inconclusive: bool = False) -> None:
    """Writes `junit_xml`, as a whole or not at all."""
    write_atomically(path, junit_xml(report, allow_inconclusive))


def junit_xml(report: Report, allow_inconclusive: bool = False) -> bytes:
    """A suite a run. What fails is a failure, and so is what is inconclusive, unless `allow_inconclusive` skips it.

    A case's name holds gate, variant, board, runtime and threads: GitLab keeps only the first of equal names. A run
    that ended early or never began is an error of its own.
    """
    root = Element("testsuites", name="edgeproof check")
    for run in report.runs:
        name = _text(suite_name(run))
        suite = SubElement(root, "testsuite", name=name)
        counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
        for claim in run.claims:
            counts["tests"] += 1
            case = SubElement(suite, "testcase", classname=name, name=_text(f"{claim.gate} ({name})"))
            kind = _kind(claim, allow_inconclusive)
            if kind is not None:
                counts["skipped" if kind == "skipped" else "failures"] += 1
                mark = SubElement(case, kind, message=_text(claim_line(claim)))
                if kind == "failure":
                    mark.set("type", claim.answer.value)
                mark.text = _text(claim.note or claim_line(claim))
            SubElement(case, "system-out").text = _text(claim_line(claim))
        if run.error is not None:
            counts["tests"] += 1
            counts["errors"] += 1
            case = SubElement(suite, "testcase", classname=name, name=f"run ({name})")
            SubElement(case, "error", message="the run ended early").text = _text(run.error)
        for outcome, count in counts.items():
            suite.set(outcome, str(count))
    if report.not_measured:
        missing = str(len(report.not_measured))
        counted = {"tests": missing, "failures": "0", "errors": missing, "skipped": "0"}
        suite = SubElement(root, "testsuite", {"name": "not measured", **counted})
        for words in report.not_measured:
            what, _, why = words.partition(": ")
            case = SubElement(suite, "testcase", classname="not measured", name=_text(f"run ({what})"))
            SubElement(case, "error", message="it was not measured").text = _text(why)
    indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode").encode() + b"\n"


def suite_name(run: Run) -> str:
    """What sets a run apart from the others of a report."""
    threads = "" if run.load is None else f", {run.load.threads} threads"
    return f"{run.bundle.name} {run.bundle.variant} on {run.board.name}, {run.runtime.name}{threads}"


def _kind(claim: Claim, allow_inconclusive: bool) -> str | None:
    if claim.answer is Answer.PASS:
        return None
    return "skipped" if claim.answer is Answer.INCONCLUSIVE and allow_inconclusive else "failure"


def _text(text: str) -> str:
    """XML 1.0 has no control characters, not even escaped."""
    return printable(text)
