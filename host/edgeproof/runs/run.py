"""One run: a bundle on a board under a runtime, from pictures, a bench and a video to what a report says of it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgeproof.board.agent.loading import LoadedBundle
from edgeproof.board.agent.session import AgentSession
from edgeproof.board.agent.start import StartingAgent
from edgeproof.board.deploy import send_media
from edgeproof.board.open_board import OpenBoard
from edgeproof.board.runtime.proof import proof_model
from edgeproof.errors import BoardError
from edgeproof.local_files.bounded_files import MAX_PICTURE_BYTES, read_bounded
from edgeproof.local_files.native_noise import without_native_noise
from edgeproof.record.coco_results import write_coco_results
from edgeproof.record.detections import STAGES, BenchResult, PictureResult, StreamFrame
from edgeproof.record.measurements import Frame, Stream
from edgeproof.record.pictures import Picture
from edgeproof.record.profile import Profile
from edgeproof.record.run import BundleFacts, Run
from edgeproof.runs.accuracy import measure_accuracy
from edgeproof.runs.measurement import measure
from edgeproof.runs.parity import measure_parity
from edgeproof.runs.picture_reading import read_pictures
from edgeproof.runs.pictures import PictureFile
from edgeproof.runs.plan import RunPlan, StreamPlan
from edgeproof.verify.latency import latency_of, stream_of
from edgeproof.verify.operator_times import profile_of
from edgeproof.wording.counting import counted
from edgeproof.wording.progress import Progress, ProgressListener, silent
from edgeproof_agent.pictures.decoding import PictureError, decode_picture
from edgeproof_agent.pictures.opencv import cv2
from edgeproof_agent.store.objects import Kind

DETECTIONS_FILE = "detections.json"
ANNOTATED_FOLDER, FRAMES_FOLDER = "annotated", "frames"


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
            for result in self.session.detect(self._sent(files, failed)):
                arrived[result.name] = result
                self.progress(Progress(text, done=len(arrived) + len(failed), total=len(files)))
        finally:
            outcomes = {**arrived, **failed}
            self._keep([(file, outcomes[file.name]) for file in files if file.name in outcomes])

    def _sent(self, files: Sequence[PictureFile], failed: dict[str, PictureResult]) -> Iterator[tuple[str, bytes]]:
        yield from read_pictures(files, failed)
        self.plan.once_sent()

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
        for bench in measure(self.session, self.plan.bench, self._with_latency, self.progress):
            self.run = self._with_latency(bench)

    def _with_latency(self, bench: BenchResult) -> Run:
        return replace(self.run, latency=latency_of(bench))

    def profile(self) -> None:
        plan = self.plan.profile
        if plan is None:
            return
        self.progress(Progress("profiling"))
        found = self.session.profile(plan.picture, proof_model(), plan.runs, plan.warmup_runs, plan.max_seconds)
        profile = Profile(unavailable=found) if isinstance(found, str) else profile_of(found)
        self.run = replace(self.run, profile=profile)

    def parity(self) -> None:
        plan = self.plan.parity
        if plan is not None:
            self.run = replace(
                self.run,
                parity=measure_parity(
                    self.session, self.run.bundle.digest, self.loaded, plan, self.plan.min_score, self.progress
                ),
            )

    def accuracy(self) -> None:
        plan = self.plan.accuracy
        if plan is None:
            return
        info = self.run.board
        who = [info.name, info.machine, info.arch, info.python]
        found = measure_accuracy(self.session, who, self.run.bundle.digest, self.loaded, plan, self.progress)
        self.run = replace(self.run, accuracy=found.accuracy, precision_recall=found.curves)

    def stream(self) -> None:
        plan = self.plan.stream
        if plan is None:
            return
        source = send_media(self.board.store, plan.video, self.progress)
        frames: list[StreamFrame] = []
        started = time.monotonic()

        def on_frame(frame: StreamFrame) -> bool:
            frames.append(frame)
            self.progress(Progress(f"streaming {plan.video.name}", done=len(frames), total=plan.frames))
            return time.monotonic() - started < plan.max_seconds

        jpeg_every = max(plan.frames // plan.shown, 1)
        try:
            self.session.stream(source, plan.frames, on_frame, jpeg_every)
        finally:
            seconds = time.monotonic() - started
            if frames:
                self.run = replace(self.run, stream=self._stream(plan, frames, seconds))

    def _stream(self, plan: StreamPlan, frames: Sequence[StreamFrame], seconds: float) -> Stream:
        video_fps = _frames_per_second(plan.video)
        stages = [stage for stage in STAGES if stage in frames[0].result.stages_ns]
        samples = {
            stage: np.array([frame.result.stages_ns.get(stage, 0) for frame in frames], np.int64) for stage in stages
        }
        pictures = [self._frame_picture(frame) for frame in frames]
        shown = []
        for frame, picture in zip(frames, pictures, strict=True):
            if frame.jpeg is None or self.plan.draw is None:
                continue
            (path,) = self.plan.out.claim(self.plan.output_name(f"{FRAMES_FOLDER}/{frame.index:05d}.jpg"))
            try:
                self.plan.draw(path, decode_picture(frame.jpeg), picture.detections)
            except PictureError:
                continue
            shown.append(Frame(frame.index / video_fps, path, picture.detections))
        return stream_of(
            plan.video.name,
            frames=len(frames),
            frames_with_detections=sum(bool(picture.detections) for picture in pictures),
            seconds=seconds,
            samples_ns=samples,
            shown=shown,
        )

    def _frame_picture(self, frame: StreamFrame) -> Picture:
        return Picture.of(frame.result, self.loaded.labels, self.loaded.manifest.label_offset, self.plan.min_score)


def _frames_per_second(video: Path) -> float:
    capture = cv2.VideoCapture(str(video))
    try:
        return float(capture.get(cv2.CAP_PROP_FPS)) or 25.0
    finally:
        capture.release()
