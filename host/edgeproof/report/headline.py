"""A report in one sentence: only what its record holds."""

from edgeproof.record.run import Report, Run
from edgeproof.record.verdict.chain import ChainLink, ChainStep
from edgeproof.record.verdict.claims import Answer
from edgeproof.record.verdict.comparison import Comparison
from edgeproof.report.formatting import ms
from edgeproof.report.text.verdict import figure
from edgeproof.verify.gates import void_of
from edgeproof.wording.counting import counted
from edgeproof.wording.printable import shown_line


def headline(report: Report) -> str | None:
    """Of the fastest run that no gate fails: its latency, what it detects the same, what it was faster than.

    None where nothing was measured.
    """
    run = _leading(report)
    if run is None:
        return None
    parts = [_latency(run), *_sameness(run), *_faster(report, run)]
    said = "; ".join(part for part in parts if part)
    return f"{_name(run)}: {said}" if said else None


def _leading(report: Report) -> Run | None:
    runs = [run for run in report.alone or report.runs if run.error is None and (run.latency or run.parity)]
    return min(runs, key=_rank, default=None)


def _rank(run: Run) -> tuple[bool, float]:
    total = run.latency.stages.get("total") if run.latency else None
    failed = any(claim.answer is Answer.FAIL for claim in run.claims)
    return failed, float("inf") if total is None or total.p50_ms is None else total.p50_ms


def _name(run: Run) -> str:
    return f"{shown_line(run.bundle.variant)} on {shown_line(run.runtime.name)}"


def _latency(run: Run) -> str:
    total = run.latency.stages.get("total") if run.latency else None
    if total is None or total.p50_ms is None:
        return ""
    # What the board was doing meanwhile takes a latency's worth away, and so does an emulated CPU.
    doubt = " on an emulated board" if run.board.emulated else " by a measurement that is void" if void_of(run) else ""
    return f"{ms(total.p50_ms)} ms{doubt}"


def _sameness(run: Run) -> list[str]:
    if run.parity is None:
        return []
    pictures = len(run.parity.pictures)
    whole = sum(picture.differing == 0 and picture.note is None for picture in run.parity.pictures)
    said = [f"the same detections as this machine on {whole} of {pictures} pictures"]
    links: dict[ChainStep, ChainLink] = {link.step: link for link in run.parity.chain}
    quantization = links.get(ChainStep.QUANTIZATION)
    if quantization is not None and quantization.missing is None:
        said.insert(0, f"the same detections as float32 on {quantization.same_pictures} of {pictures} pictures")
    return said


def _faster(report: Report, run: Run) -> list[str]:
    """What was measured in turns with the same bundle and runtime, and is slower beyond doubt."""
    said = []
    for comparison in report.comparisons:
        for own, other, ratio in _both_ways(report, comparison):
            if (own.bundle.digest, own.runtime, own.board.name) == (run.bundle.digest, run.runtime, run.board.name):
                said.append(f"{figure(ratio)} times as fast as {_differing(own, other)}")
    return said


def _both_ways(report: Report, comparison: Comparison) -> list[tuple[Run, Run, float]]:
    """(faster, slower, how many times): none where the two are not told apart."""
    total = comparison.stages.get("total")
    if total is None or comparison.void or not total.told_apart:
        return []
    a, b = report.runs[comparison.a], report.runs[comparison.b]
    return [(b, a, 1 / total.ratio)] if total.ratio < 1 else [(a, b, total.ratio)]


def _differing(own: Run, other: Run) -> str:
    if own.bundle.digest == other.bundle.digest and own.runtime == other.runtime:
        return (
            "with another number of threads" if other.load is None else f"with {counted(other.load.threads, 'thread')}"
        )
    if own.bundle.digest == other.bundle.digest:
        return shown_line(other.runtime.name)
    if own.runtime == other.runtime:
        return shown_line(other.bundle.variant)
    return _name(other)
