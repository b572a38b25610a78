"""One run: a bundle on a board under a runtime, from pictures, a bench and a video to what a report says of it.

What a run may not need is imported where it does: the board waits for every import.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgeproof.board.agent.loading import LoadedBundle
from edgeproof.board.agent.session import AgentSession
from edgeproof.board.agent.start import StartingAgent
from edgeproof.board.deploy import send_media
from edgeproof.board.open_board import OpenBoard
from edgeproof.errors import BoardError
from edgeproof.local_files.bounded_files import MAX_PICTURE_BYTES, read_bounded
from edgeproof.record.accuracy.coco_results import write_coco_results
from edgeproof.record.detections import BenchResult, PictureResult
from edgeproof.record.pictures import Picture
from edgeproof.record.run import BundleFacts, Run
from edgeproof.runs.picture_reading import read_pictures
from edgeproof.runs.pictures import PictureFile
from edgeproof.runs.plan import RunPlan
from edgeproof.wording.counting import counted
from edgeproof.wording.progress import Progress, ProgressListener, silent
from edgeproof_agent.sources.grammar import SourceKind
from edgeproof_agent.store.objects import Kind

DETECTIONS_FILE = "detections.json"
ANNOTATED_FOLDER = "annotated"


def execute(
    board: OpenBoard, agent: StartingAgent, digest: str, plan: RunPlan, progress: ProgressListener = silent
) -> Run:
    """Carries out a plan with a bundle that is on the board, through an agent that was started there.

    A plan of pictures alone skips the health check on loading, which the pictures themselves are.

    When the board, the agent or the connection fails on the way, the run that is returned says so in `error` and holds
    what had arrived. Raises only what keeps it from starting.
    """
    with agent.session() as session:
        check_health = plan.bench is not None or plan.stream is not None or plan.profile is not None
        loaded = session.load(
            board.store.path(Kind.BUNDLE, digest),
            plan.threads,
            check_health=check_health,
            cores=plan.cores,
            delegate=plan.delegate,
        )
        run = Run(
            board=board.info,
            runtime=session.runtime,
            bundle=BundleFacts.of(digest, loaded.manifest),
            load=loaded.load,
            min_score=plan.min_score,
            before=session.state(),
        )
        work = _Work(board, session, loaded, plan, progress, run)
        try:
            work.detect()
            work.bench()
            work.parity()
            work.accuracy()
            work.stream()
            work.profile()
            if not session.closed:
                work.run = replace(work.run, after=session.state())
        except BoardError as error:
            work.run = replace(work.run, error=str(error))
            session.close()
        return work.run


@dataclass
class _Work:
    """A run under way: each step adds to `run` what it has got, also when it fails."""

    board: OpenBoard
    session: AgentSession
    loaded: LoadedBundle
    plan: RunPlan
    progress: ProgressListener
    run: Run

    def detect(self) -> None:
        files = self.plan.pictures
        if not files:
            return
        failed: dict[str, PictureResult] = {}
        arrived: dict[str, PictureResult] = {}
        text = f"detecting on {counted(len(files), 'picture')}"
        self.progress(Progress(text, done=0, total=len(files)))
        try:
            for result in self.session.detect(read_pictures(files, failed)):
                arrived[result.name] = result
                self.progress(Progress(text, done=len(arrived) + len(failed), total=len(files)))
        finally:
            outcomes = {**arrived, **failed}
            self._keep([(file, outcomes[file.name]) for file in files if file.name in outcomes])

    def _keep(self, outcomes: Sequence[tuple[PictureFile, PictureResult]]) -> None:
        results = [(file.image_id, result) for file, result in outcomes]
        name = self.plan.output_name(DETECTIONS_FILE)
        shown = [file for file, result in outcomes if result.error is None and self.plan.draw is not None]
        drawn = [self._annotated_name(file) for file in shown]
        path, *_ = self.plan.out.claim(name, *drawn)
        write_coco_results(path, results, self.loaded.manifest.category_id)
        pictures = tuple(self._picture(file, result) for file, result in outcomes)
        self.run = replace(self.run, pictures=pictures, detections_file=name)

    def _annotated_name(self, file: PictureFile) -> str:
        return self.plan.output_name(f"{ANNOTATED_FOLDER}/{file.annotated_name}")

    def _picture(self, file: PictureFile, result: PictureResult) -> Picture:
        manifest = self.loaded.manifest
        picture = Picture.of(result, self.loaded.labels, manifest.label_offset, self.plan.min_score)
        if picture.error is not None or self.plan.draw is None:
            return picture
        from edgeproof.local_files.native_noise import without_native_noise
        from edgeproof_agent.pictures.decoding import decode_picture

        (annotated,) = self.plan.out.claim(self._annotated_name(file))
        try:
            with without_native_noise():  # libpng complains of colour profiles
                pixels = decode_picture(read_bounded(file.path, MAX_PICTURE_BYTES))
            self.plan.draw(annotated, pixels, picture.detections)
        except (OSError, ValueError):
            return picture  # the board has read it; here it is gone meanwhile
        return replace(picture, annotated=annotated)

    def bench(self) -> None:
        if self.plan.bench is None:
            return
        from edgeproof.runs.measurement import measure

        for bench in measure(self.session, self.plan.bench, self._with_latency, self.progress):
            self.run = self._with_latency(bench)

    def _with_latency(self, bench: BenchResult) -> Run:
        from edgeproof.verify.latency import latency_of

        return replace(self.run, latency=latency_of(bench))

    def profile(self) -> None:
        plan = self.plan.profile
        if plan is None:
            return
        from edgeproof.board.runtime.proof import proof_model
        from edgeproof.record.measured.profile import Profile
        from edgeproof.verify.operator_times import profile_of

        self.progress(Progress("profiling"))
        found = self.session.profile(plan.picture, proof_model(), plan.runs, plan.warmup_runs, plan.max_seconds)
        profile = Profile(unavailable=found) if isinstance(found, str) else profile_of(found)
        self.run = replace(self.run, profile=profile)

    def parity(self) -> None:
        plan = self.plan.parity
        if plan is None:
            return
        from edgeproof.runs.parity import measure_parity

        digest, least = self.run.bundle.digest, self.plan.min_score
        found = measure_parity(self.session, digest, self.loaded, plan, least, self.progress)
        self.run = replace(self.run, parity=found)

    def accuracy(self) -> None:
        plan = self.plan.accuracy
        if plan is None:
            return
        from edgeproof.runs.accuracy import measure_accuracy

        info = self.run.board
        who = [info.name, info.machine, info.arch, info.python]
        found = measure_accuracy(self.session, who, self.run.bundle.digest, self.loaded, plan, self.progress)
        self.run = replace(self.run, accuracy=found.accuracy, precision_recall=found.curves)

    def stream(self) -> None:
        plan = self.plan.stream
        if plan is None:
            return
        from edgeproof.runs.streaming import StreamRecord

        source = plan.source.text  # what is shown lacks a password
        if plan.source.kind is SourceKind.FILE:
            video = Path(plan.source.place)
            source = send_media(self.board.store, video, self.progress)
        record = StreamRecord(self.loaded, plan, self.plan, self.progress)
        try:
            record.run(self.session, source)
        finally:
            self.run = replace(self.run, stream=record.finished())
