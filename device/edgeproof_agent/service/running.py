"""One run of a service: which bundle, its start, and its inference loop until something ends it."""

import time

from edgeproof_agent.detection.checks import DetectionError
from edgeproof_agent.detection.delegates import DelegateError
from edgeproof_agent.detection.detector import BundleLoadError, Detector, load_detector, read_labels
from edgeproof_agent.detection.health_pictures import health_pictures
from edgeproof_agent.detection.interpreters import InterpreterError, default_threads, import_runtime
from edgeproof_agent.machine.allocator import keep_large_blocks
from edgeproof_agent.machine.memory_limit import limit_memory
from edgeproof_agent.pipeline.capturing import Frames
from edgeproof_agent.pipeline.stream import detect_frame
from edgeproof_agent.serve.cpu_choice import CpuChoice
from edgeproof_agent.serve.run_limits import RunLimits
from edgeproof_agent.serve.stream_request import StreamRequest
from edgeproof_agent.service.bundle_choice import Chosen, choose_bundle
from edgeproof_agent.service.duties import Duties, SwitchedError, UnhealthyError
from edgeproof_agent.service.journal import SUMMARY_SECONDS, Journal, describe_detections
from edgeproof_agent.service.notification import Notifier
from edgeproof_agent.service.sight import Sight
from edgeproof_agent.service.stopping import StoppedError
from edgeproof_agent.sources.frame import CaptureError
from edgeproof_agent.store.bundles import name_and_variant
from edgeproof_agent.store.objects import Kind, Store, StoreError
from edgeproof_agent.store.services.description import ServiceDescription, log_bytes, service_folder
from edgeproof_agent.store.services.places import PROBATION
from edgeproof_agent.store.services.probation import not_its_fault, read_probation, write_probation
from edgeproof_agent.store.services.units import UNFIT_STATUS
from edgeproof_agent.store.usage_locks import hold
from edgeproof_agent.wire.answering import RequestError
from edgeproof_agent.wire.fields import FieldError, Fields

_REOPEN_SECONDS = 1.0
STOPPED, FAILED = 0, 1


def run(store: Store, description: ServiceDescription) -> int:
    """The exit status: see `edgeproof_agent.service.__main__`."""
    notifier = Notifier.from_environment()
    folder = service_folder(store, description.app)
    journal = Journal(folder, log_bytes(description))
    for kind, digest in ((Kind.AGENT, description.agent), (Kind.RUNTIME, description.runtime)):
        hold(store.path(kind, digest))
    try:
        request = StreamRequest.read(Fields({"frames": 1, **description.stream}, "stream"))
    except (FieldError, RequestError) as error:
        journal.event("failed", f"what the service is to look at is not well described: {error}")
        return UNFIT_STATUS
    try:
        chosen = choose_bundle(store, description, folder / PROBATION, journal)
        return _Run(store, description, chosen, request, notifier, journal).until_its_end()
    except StoppedError:
        state = read_probation(folder / PROBATION)
        write_probation(folder / PROBATION, not_its_fault(state))
        journal.event("stopped", "by the wish of its manager")
        return STOPPED
    except SwitchedError as error:
        journal.event("switched", str(error))
        return STOPPED
    except (
        BundleLoadError,
        DelegateError,
        DetectionError,
        InterpreterError,
        RequestError,
        RuntimeError,
        StoreError,
        UnhealthyError,
        ValueError,
    ) as error:
        journal.event("failed", str(error))
        return FAILED
    finally:
        notifier.stopping()


class _Run:
    """Of one bundle."""

    def __init__(
        self,
        store: Store,
        description: ServiceDescription,
        chosen: Chosen,
        request: StreamRequest,
        notifier: Notifier,
        journal: Journal,
    ) -> None:
        self._store = store
        self._description = description
        self._chosen = chosen
        self._request = request
        self._notifier = notifier
        self._journal = journal
        self._number = self._with_detections = 0
        self._summary_at = 0.0

    def until_its_end(self) -> int:
        """Raises what ends it: `StoppedError`, `SwitchedError`, or a failure."""
        description, digest = self._description, self._chosen.digest
        self._notifier.status(f"loading bundle {digest[:12]}")
        limits = RunLimits(memory_bytes=limit_memory())
        keep_large_blocks(limits.memory_bytes)
        CpuChoice().take(description.cores)
        path = self._store.path(Kind.BUNDLE, digest)
        hold(path)
        runtime = import_runtime(description.runtime_name)
        labels = read_labels(path)
        detector = load_detector(path, runtime, description.threads or default_threads(), description.delegate)
        for picture in health_pictures(detector.manifest.input.height, detector.manifest.input.width).values():
            detector.detect(picture)
        duties = Duties(
            self._store,
            description.app,
            self._chosen.link,
            service_folder(self._store, description.app) / PROBATION,
            description.stable_seconds,
            self._notifier,
            self._journal,
        )
        name, variant = name_and_variant(self._store, digest)
        on_trial = " on trial" * self._chosen.on_trial
        self._journal.event("active", f"{name} {variant}, bundle {digest[:12]}{on_trial}", bundle=digest)
        self._journal.note("started", bundle=digest, name=name, variant=variant, source=self._request.source.shown)
        self._notifier.ready()
        self._summary_at = time.monotonic() + SUMMARY_SECONDS
        sight = Sight(self._request, detector, duties, self._journal, limits.max_pixels)
        while True:
            try:
                with sight.open() as frames:
                    self._look(frames, sight, detector, labels, duties)
                ended = f"{self._request.source.shown} has ended"
            except CaptureError as error:
                ended = str(error)
            self._journal.event("source", f"{ended}; it is opened again")
            duties.rest(_REOPEN_SECONDS, ended)

    def _look(self, frames: Frames, sight: Sight, detector: Detector, labels: list[str], duties: Duties) -> None:
        while True:
            frame = frames.take()
            if frame is None:
                return
            self._number += 1
            if not frame.trouble:
                duties.seen += 1
                sight.arrived()
                stages = {
                    "capture": frame.capture_ns,
                    "decode": frame.decode_ns,
                    "handover": time.monotonic_ns() - frame.ready_at_ns,
                }
                try:
                    detection = detect_frame(detector, frame, stages)
                except DetectionError:
                    duties.refused += 1
                else:
                    found = describe_detections(detection, detector.manifest, labels, self._description.min_score)
                    if found:
                        self._with_detections += 1
                        self._journal.found(
                            self._number,
                            frame,
                            {
                                "width": detection.width,
                                "height": detection.height,
                                "stages_ns": detection.stages_ns,
                                "age_ns": max(time.monotonic_ns() - frame.taken_at_ns, 0),
                                **({"same_as_before": True} if frame.repeated else {}),
                                "detections": found,
                            },
                        )
            self._summarize(frames, duties)
            duties.beat()

    def _summarize(self, frames: Frames, duties: Duties) -> None:
        if time.monotonic() < self._summary_at:
            return
        self._summary_at = time.monotonic() + SUMMARY_SECONDS
        self._journal.note(
            "summary",
            frames=self._number,
            with_detections=self._with_detections,
            refused=duties.refused,
            dropped=frames.dropped,
            repeated=frames.repeated,
            reconnects=frames.reconnects,
        )
