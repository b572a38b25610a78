"""edgeproof as a library: a board with its verbs, export and inspection. `import edgeproof` gives these names."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from edgeproof.board.deploy import (
    Deployment,
    Rollback,
    bundle_to_run,
    choose_runtime,
    current_bundle,
    push_bundle,
    roll_back,
    start_agent,
)
from edgeproof.board.doctor.diagnosis import Diagnosis, diagnose
from edgeproof.board.open_board import OpenBoard, open_board
from edgeproof.board.provision import ProvisionedRuntime, provision
from edgeproof.board.prune import DroppedObject, prune
from edgeproof.board.store.status import BoardStatus, read_status
from edgeproof.bundle import Bundle, open_bundle
from edgeproof.check.cell import measure_on
from edgeproof.check.matrix import Wanted, cells_of
from edgeproof.config.boards import BoardProfile, find_board
from edgeproof.config.check import CheckConfig
from edgeproof.convert.export import export as export_variants
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.variants import Variant
from edgeproof.datasets.opening import open_data_set
from edgeproof.errors import UsageError
from edgeproof.inspection.inspection import Inspection
from edgeproof.inspection.inspection import inspect as inspect_file
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.pictures import Picture
from edgeproof.record.run import Run
from edgeproof.report.drawing.detections import write_annotated
from edgeproof.runs.accuracy import with_references
from edgeproof.runs.frame_listener import FrameListener
from edgeproof.runs.generated_picture import generated_picture, read_picture
from edgeproof.runs.pictures import find_pictures
from edgeproof.runs.plan import AccuracyPlan, BenchPlan, ProfilePlan, RunPlan, StreamPlan
from edgeproof.runs.run import execute
from edgeproof.runs.sources import sort_sources
from edgeproof.runs.variant_beside import FLOAT32
from edgeproof.wording.progress import ProgressListener, silent
from edgeproof_agent.sources.settings import CaptureSettings

AnyPath = Path | str


class Board:
    """A board by its name in edgeproof.toml, or as `user@host[:port]`.

    A verb connects, does its work and hangs up. In a `with` block all of them share one connection:

        with edgeproof.Board("pi") as board:
            board.push("bundles/int8")
            print(board.bench().latency)

    Verbs raise `edgeproof.BoardError` and its kinds, `edgeproof.UsageError` for what cannot be meant.
    """

    def __init__(self, board: str | BoardProfile, progress: ProgressListener = silent) -> None:
        """Connects to nothing yet. Raises `ProfileError` when there is no such board."""
        self.profile = find_board(board) if isinstance(board, str) else board
        self._progress = progress
        self._stack = contextlib.ExitStack()
        self._open: OpenBoard | None = None

    @property
    def name(self) -> str:
        return self.profile.name

    def __enter__(self) -> "Board":
        self._open = self._stack.enter_context(open_board(self.profile))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = None
        self._stack.close()

    def provision(self, *runtimes: str) -> list[ProvisionedRuntime]:
        """Sets up the named runtimes, or the one that fits best.

        Example: `Board("pi").provision("tflite-runtime")`
        """
        with self._opened() as board:
            return provision(board, runtimes, self._progress)

    def push(self, bundle: Bundle | AnyPath, app: str | None = None, runtime: str | None = None) -> Deployment:
        """Sends a bundle, runs it once on the board, and points `app` (the model's name) at it.

        Example: `Board("pi").push("bundles/int8").changed`
        """
        opened = _bundle(bundle)
        with self._opened() as board:
            done = push_bundle(board, opened, app or opened.app_name, runtime, self._progress)
            board.store.refresh()  # the next verb on this connection sees what the app points at now
            return done

    def rollback(self, app: str | None = None, runtime: str | None = None) -> Rollback:
        """Points an app (the only one) at its previous bundle again, after running it once.

        Example: `Board("pi").rollback().digest`
        """
        with self._opened() as board:
            done = roll_back(board, current_bundle(board, app)[0], runtime, self._progress)
            board.store.refresh()
            return done

    def detect(
        self,
        *pictures: AnyPath,
        out: AnyPath | None = None,
        bundle: Bundle | AnyPath | None = None,
        app: str | None = None,
        min_score: float = 0.5,
        threads: int | None = None,
        runtime: str | None = None,
    ) -> Run:
        """Detections on pictures: files, folders, or the JSON file of a COCO data set.

        They run through the bundle that `app` (the only one) points at, or through a `bundle` of yours. With `out`
        detections.json and annotated pictures are written there.

        Example: `[found.label for found in Board("pi").detect("photo.jpg").pictures[0].detections]`
        """
        opened = None if bundle is None else _bundle(bundle)
        files = find_pictures([Path(picture) for picture in pictures])
        with self._output(out) as folder, self._opened() as board:
            plan = RunPlan(
                folder, files, threads=threads, min_score=min_score, draw=None if out is None else write_annotated
            )
            digest = bundle_to_run(board, app, opened, self._progress)
            with start_agent(board, choose_runtime(board, runtime)) as agent:
                return execute(board, agent, digest, plan, self._progress)

    def stream(
        self,
        source: AnyPath,
        on_frame: Callable[[Picture], object] | None = None,
        *,
        frames: int | None = None,
        seconds: float | None = None,
        capture: CaptureSettings | None = None,
        overlap: bool = True,
        out: AnyPath | None = None,
        bundle: Bundle | AnyPath | None = None,
        app: str | None = None,
        min_score: float = 0.5,
        threads: int | None = None,
        runtime: str | None = None,
    ) -> Run:
        """Detections on a source, frame by frame: `camera:0`, `rtsp://...`, `watch:FOLDER`, a video.

        `on_frame` is called with each frame's detections as they come; a slow one slows the board. It ends with the
        source, or after `frames` or `seconds`, of which a source without an end needs one. `overlap` captures beside
        inference; without it the stages are timed cleanly. With `out` a line a frame and some pictures are written
        there. Raises `UsageError` for what is no source.

        Example: `Board("pi").stream("camera:0", print, seconds=10).stream.fps`
        """
        (found,) = sort_sources([str(source)]).streams or [None]
        if found is None:
            raise UsageError(f"{source} is pictures of this machine: Board.detect takes them")
        if found.may_never_end and frames is None and seconds is None:
            raise UsageError(f"{found.shown} may never end: give frames or seconds")
        opened = None if bundle is None else _bundle(bundle)
        with self._output(out) as folder, self._opened() as board:
            plan = RunPlan(
                folder,
                stream=StreamPlan(
                    found,
                    frames or StreamPlan.frames,
                    seconds,
                    capture or CaptureSettings(),
                    overlap,
                    observer=None if on_frame is None else FrameListener(on_frame),
                    kept=out is not None,
                ),
                threads=threads,
                min_score=min_score,
                draw=None if out is None else write_annotated,
            )
            digest = bundle_to_run(board, app, opened, self._progress)
            with start_agent(board, choose_runtime(board, runtime)) as agent:
                return execute(board, agent, digest, plan, self._progress)

    def bench(
        self,
        *,
        picture: AnyPath | None = None,
        runs: int = 150,
        warmup_runs: int = 10,
        bundle: Bundle | AnyPath | None = None,
        app: str | None = None,
        threads: int | None = None,
        runtime: str | None = None,
    ) -> Run:
        """Latency stage by stage on the board's own clock, on a picture of yours or a generated one.

        Example: `Board("pi").bench(runs=662).latency.stages["invoke"].p99_ms`
        """
        opened = None if bundle is None else _bundle(bundle)
        data = read_picture(Path(picture)) if picture is not None else generated_picture()
        with self._output(None) as folder, self._opened() as board:
            plan = RunPlan(folder, bench=BenchPlan(data, runs, warmup_runs), threads=threads)
            digest = bundle_to_run(board, app, opened, self._progress)
            with start_agent(board, choose_runtime(board, runtime)) as agent:
                return execute(board, agent, digest, plan, self._progress)

    def profile_operators(
        self,
        *,
        picture: AnyPath | None = None,
        runs: int = 50,
        bundle: Bundle | AnyPath | None = None,
        app: str | None = None,
        threads: int | None = None,
        runtime: str | None = None,
    ) -> Run:
        """What each operator of a model takes of an inference; `profile.unavailable` says why where that is not told.

        Example: `max(Board("pi").profile_operators().profile.operators, key=lambda time: time.share).ran.layer`
        """
        opened = None if bundle is None else _bundle(bundle)
        data = read_picture(Path(picture)) if picture is not None else generated_picture()
        with self._output(None) as folder, self._opened() as board:
            plan = RunPlan(folder, profile=ProfilePlan(data, runs), threads=threads)
            digest = bundle_to_run(board, app, opened, self._progress)
            with start_agent(board, choose_runtime(board, runtime)) as agent:
                return execute(board, agent, digest, plan, self._progress)

    def check(
        self,
        bundle: Bundle | AnyPath,
        gates: Sequence[str],
        *,
        pictures: Sequence[AnyPath] = (),
        data: AnyPath | None = None,
        runs: int | None = None,
        threads: int | None = None,
        runtime: str | None = None,
    ) -> Run:
        """Measures a bundle and holds gates against it; `claims` of the run are their answers. No app is switched.

        `pictures` are for a gate on parity, the labelled data set `data` for one on accuracy. Without `runs` as many
        are made as the gates need. Raises `UsageError` for a gate that means nothing.

        Example: `Board("pi").check("bundles/int8", ["total p95 < 80 ms"]).claims[0].answer`
        """
        wanted = Wanted(
            (self.profile,),
            (_bundle(bundle).path,),
            tuple(Path(picture) for picture in pictures),
            tuple(gates),
            None if data is None else Path(data),
            runs,
        )
        (cell,) = cells_of(CheckConfig(), None, wanted, ())
        with self._opened() as board:
            return measure_on(board, replace(cell, runtime=runtime, threads=threads), self._progress)

    def accuracy(
        self,
        bundle: Bundle | AnyPath,
        data: AnyPath,
        *,
        images_root: AnyPath | None = None,
        split: str | None = None,
        classes: Mapping[str, str] | None = None,
        common_classes: bool = False,
        kept: AnyPath | None = None,
        threads: int | None = None,
        runtime: str | None = None,
    ) -> Run:
        """mAP of a bundle on a labelled data set, against the same bundle and float32 here. No app is switched.

        `data` is COCO's JSON file, a folder of PASCAL VOC or YOLO's data.yaml; `classes` says which label of the model
        a class of the data set is. With `kept`, a folder, results are kept there as they arrive, and one that was
        interrupted goes on. Raises `UsageError` where classes do not go together.

        Example: `Board("pi").accuracy("bundles/int8", "coco/val.json").accuracy.map.value`
        """
        opened = _bundle(bundle)
        data_set = open_data_set(Path(data), None if images_root is None else Path(images_root), split)
        with self._output(None) as folder, self._opened() as board:
            place = folder.path / "arrived" if kept is None else Path(kept)
            plan = AccuracyPlan(data_set, place, classes or {}, common_classes)
            stored = choose_runtime(board, runtime)
            digest = bundle_to_run(board, None, opened, self._progress)
            variants = (opened.manifest.variant, FLOAT32)
            with (
                with_references(plan, opened, variants, stored.name, self._progress) as held,
                start_agent(board, stored) as agent,
            ):
                return execute(board, agent, digest, RunPlan(folder, accuracy=held, threads=threads), self._progress)

    def status(self) -> BoardStatus:
        """What each app serves since when, and what edgeproof takes on the board.

        Example: `Board("pi").status().apps["people"].current.variant`
        """
        with self._opened() as board:
            return read_status(board.store)

    def doctor(self) -> Diagnosis:
        """What the board is, what is wrong with it, and what helps; nothing is changed there.

        Example: `Board("pi").doctor().healthy`
        """
        return diagnose(self.profile)

    def remove_app(self, app: str) -> None:
        """Takes an app off the board; its bundles stay until `prune`.

        Example: `Board("pi").remove_app("people")`
        """
        with self._opened() as board:
            board.store.remove_app(app)
            board.store.refresh()

    def prune(self, dry_run: bool = False, let_go: Sequence[str] = (), all_hosts: bool = False) -> list[DroppedObject]:
        """Drops what nothing on the board points to and no other machine needs, the previous bundles of the apps in
        `let_go` among it; with `all_hosts` it does not matter what others need.

        Example: `Board("pi").prune(dry_run=True)`
        """
        with self._opened() as board:
            return prune(board.store, dry_run, let_go, all_hosts)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[OpenBoard]:
        if self._open is not None:
            yield self._open
            return
        with open_board(self.profile) as board:
            yield board

    @contextlib.contextmanager
    def _output(self, out: AnyPath | None) -> Iterator[OutputFolder]:
        with contextlib.ExitStack() as stack:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory()) if out is None else out)
            yield stack.enter_context(OutputFolder.open(path).sealed())


def export(
    source: AnyPath,
    out: AnyPath,
    variants: Sequence[Variant | str] = ("float32",),
    *,
    images: AnyPath | None = None,
    labels: AnyPath | None = None,
    name: str | None = None,
    options: ExportOptions | None = None,
    progress: ProgressListener = silent,
) -> list[Bundle]:
    """Converts an SSD to a bundle a variant, in `out`/VARIANT. `labels` and `name` go before those of `options`.

    Raises `UsageError`, `NotAnSsdError`, `ConversionError` or `BundleError`.

    Example: `edgeproof.export("model.pb", "bundles", ["int8"], images="photos", labels="labels.txt")`
    """
    chosen = options or ExportOptions()
    stated = ExportOptions(
        **{
            **chosen.__dict__,
            "labels": Path(labels) if labels is not None else chosen.labels,
            "name": name or chosen.name,
        }
    )
    pictures = None if images is None else Path(images)
    return export_variants(Path(source), Path(out), [Variant(item) for item in variants], pictures, stated, progress)


def inspect(path: AnyPath) -> Inspection:
    """What a .tflite or a bundle is, and what is wrong with it. It is not run.

    Example: `edgeproof.inspect("model.tflite").problems`
    """
    return inspect_file(Path(path))


def _bundle(bundle: Bundle | AnyPath) -> Bundle:
    return bundle if isinstance(bundle, Bundle) else open_bundle(Path(bundle))
