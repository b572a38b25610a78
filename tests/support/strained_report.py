"""A report with everything that one can hold, and with names that strain a layout or want to be markup."""

from dataclasses import replace
from pathlib import Path

from edgeproof.record.accuracy.precision_recall import PrecisionRecall
from edgeproof.record.pictures import Detection
from edgeproof.record.run import Report, Run
from tests.support import sample_report as sample

LONG = "a-name-without-a-place-to-break-it-" * 8
EVIL = "<img src=x onerror=console.log(1)><script>console.log(2)</script>\"'>&amp;"


def full_report(folder: Path) -> Report:
    """Everything that a page can show, with names that strain its layout."""
    runs = [
        replace(run, claims=sample.claims(), parity=sample.parity(), stream=sample.stream(folder))
        for run in sample.report(folder).runs
    ]
    runs[1] = strained(runs[1])
    curve = PrecisionRecall(LONG, 0.5, (0.0, 0.5, 1.0), (1.0, 0.9, 0.4))
    runs[0] = replace(runs[0], precision_recall=(curve, replace(curve, label=EVIL)))
    comparison = replace(sample.comparison(), a=0, b=2, void=())
    return Report(tuple(runs), comparisons=(comparison,), not_measured=(f"int8 on {LONG}: it does not answer",))


def strained(run: Run) -> Run:
    detection: Detection = sample.person(label=EVIL)
    picture = replace(run.pictures[0], name=LONG, detections=(detection, replace(detection, label=LONG)))
    assert run.parity is not None
    evil = replace(run.parity.pictures[1], name=EVIL)
    noted = replace(run.parity.pictures[2], name=LONG, note=EVIL)
    return replace(
        run,
        parity=replace(run.parity, host_runtime=EVIL, pictures=(evil, noted)),
        board=replace(run.board, name=LONG, machine=EVIL),
        bundle=replace(run.bundle, name=EVIL, variant=LONG, provenance={LONG: EVIL, EVIL: LONG}),
        pictures=(picture, *run.pictures[1:]),
        error=f"{EVIL}\n{LONG}",
    )
