"""The demo: the whole chain on an embedded board, from a pretrained SSD to a report."""

from collections.abc import Iterator
from dataclasses import replace

from edgeproof.board.deploy import choose_runtime, push_bundle, start_agent
from edgeproof.board.open_board import OpenBoard, open_board
from edgeproof.board.provision import provision
from edgeproof.board.runtime.releases import fitting_releases
from edgeproof.bundle import Bundle
from edgeproof.convert.export import export
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.variants import Variant
from edgeproof.demo.embedded_board import EmbeddedBoard
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.run import Report, Run
from edgeproof.report.drawing.detections import write_annotated
from edgeproof.runs.comparison import Compared, Contender, compare
from edgeproof.runs.pictures import find_pictures
from edgeproof.runs.plan import BenchPlan, RunPlan, StreamPlan
from edgeproof.runs.run import execute
from edgeproof.sample.pedestrian import Sample, fetch_pedestrian
from edgeproof.verify.gate_text import parse_gates
from edgeproof.verify.gates import evaluate, further_runs
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener
from edgeproof_agent.sources.grammar import Source, SourceKind

VARIANTS = (Variant.FLOAT32, Variant.INT8)
MIN_SCORE = 0.6
# A slow pair of variant and runtime (tflite-runtime's int8 on x86) gets fewer runs, not a longer demo.
_BENCH_RUNS, _WARMUP_RUNS, _BENCH_SECONDS = 150, 5, 6.0
GATES = {"total": "p50 < 250 ms", "size": "< 20 MB", "peak_rss": "< 400 MiB"}
"""To keep up with a camera that looks four times a second, on a small board. The median, since the samples of a machine
that does other work hang together: a bound of the tail would take minutes."""
_VIDEO_FRAMES, _VIDEO_SECONDS = 60, 3.0
_PAIRS = 10


def run_demo(folder: OutputFolder, progress: ProgressListener) -> Report:
    """Does everything below `folder`; what is there from an earlier call is used again."""
    out = folder.path
    note = _Numbered(progress)
    note("sample: a pretrained SSDLite MobileNetV2 that finds people, photos and a video")
    sample = fetch_pedestrian(out / "sample", progress)
    note(f"export: {' and '.join(variant.value for variant in VARIANTS)} bundles with TFLite_Detection_PostProcess")
    options = ExportOptions(name=sample.name, labels=sample.labels)
    bundles = export(sample.model, out / "bundles", VARIANTS, sample.calibration, options, progress)
    note("board: an SSH server on the loopback, with a home folder of its own and a fresh host key that is pinned")
    with EmbeddedBoard(out / "board") as embedded, open_board(embedded.profile) as board:
        note("provision: runtimes and agent, sent over SSH and proven by running an interpreter")
        releases = fitting_releases(board.store.facts)
        for runtime in provision(board, [release.name for release in releases], progress):
            how = f"{runtime.payload_bytes / 1e6:.1f} MB sent" if runtime.payload_bytes else "was there, nothing sent"
            progress(Progress(f"{runtime.name} {runtime.version}: {how}", ProgressKind.NOTE))
        note("push, run: photos, latency and a video, for each bundle and runtime")
        runs = [
            replace(run, claims=evaluate(parse_gates(GATES), run))
            for run in _runs(board, sample, bundles, [release.name for release in releases], folder, progress)
        ]
        sides = _compared(board, sample, bundles[-1], [release.name for release in releases], note, progress)
    report = Report.now(tuple(runs))
    if sides is None:
        return report
    comparison = replace(sides.comparison, a=len(runs), b=len(runs) + 1)
    return replace(report, runs=(*runs, *sides.runs), comparisons=(comparison,))


def _compared(
    board: OpenBoard,
    sample: Sample,
    bundle: Bundle,
    runtimes: list[str],
    note: "_Numbered",
    progress: ProgressListener,
) -> Compared | None:
    """The first two runtimes side by side with one bundle, which is on the board; None where only one fits here."""
    if len(runtimes) < 2:
        progress(Progress(f"{runtimes[0]} alone fits this Python: nothing to compare it with", ProgressKind.NOTE))
        return None
    note(f"compare: {bundle.manifest.variant} on {runtimes[0]} and on {runtimes[1]}, measured in turns")
    contenders = (Contender(bundle.digest, runtimes[0]), Contender(bundle.digest, runtimes[1]))
    return compare(board, contenders, sample.photos[0].read_bytes(), _PAIRS, progress)


def _runs(
    board: OpenBoard,
    sample: Sample,
    bundles: list[Bundle],
    runtimes: list[str],
    folder: OutputFolder,
    progress: ProgressListener,
) -> Iterator[Run]:
    pictures = find_pictures(sample.photos)
    gates = parse_gates(GATES)
    bench = BenchPlan(
        sample.photos[0].read_bytes(),
        _BENCH_RUNS,
        _WARMUP_RUNS,
        _BENCH_SECONDS,
        further_runs=lambda run: further_runs(gates, run),
    )
    stream = StreamPlan(Source(SourceKind.FILE, str(sample.video)), _VIDEO_FRAMES, seconds=_VIDEO_SECONDS)
    for runtime in runtimes:
        for bundle in bundles:
            variant = bundle.manifest.variant
            sent = push_bundle(board, bundle, sample.name, runtime, progress).sent
            how = f"{sent.payload_bytes / 1e6:.2f} MB pushed" if sent.payload_bytes else "unchanged, no payload pushed"
            progress(Progress(f"{variant} on {runtime}: {how}", ProgressKind.NOTE))
            plan = RunPlan(
                out=folder,
                draw=write_annotated,
                subfolder=f"results/{variant}-{runtime}",
                pictures=pictures,
                bench=bench,
                stream=stream,
                min_score=MIN_SCORE,
            )
            with start_agent(board, choose_runtime(board, runtime)) as agent:
                run = execute(board, agent, bundle.digest, plan, progress)
            yield run


class _Numbered:
    """Announces the steps."""

    def __init__(self, progress: ProgressListener) -> None:
        self._progress = progress
        self._number = 0

    def __call__(self, text: str) -> None:
        self._number += 1
        self._progress(Progress(f"{self._number}. {text}", ProgressKind.NOTE))
