"""What the detection agent answers: hello, prove, load, prepare, detect, outputs, bench, profile, stream, state.

What one of them alone needs is imported there: every agent's start would wait for it.
"""

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from edgeproof_agent import PROTOCOL_VERSION, __version__
from edgeproof_agent.bundle.manifest import MODEL_FILE
from edgeproof_agent.detection.arrays import pack_arrays, unpack_arrays
from edgeproof_agent.detection.checks import DetectionError
from edgeproof_agent.detection.delegates import DelegateError
from edgeproof_agent.detection.detector import BundleLoadError, Detection, Detector, load_detector, read_labels
from edgeproof_agent.detection.digests import step_digests
from edgeproof_agent.detection.health_pictures import health_pictures
from edgeproof_agent.detection.interpreters import InterpreterError, Runtime, default_threads, prove
from edgeproof_agent.detection.operator_threads import ONE_THREAD_WORDS
from edgeproof_agent.detection.preprocess import prepare
from edgeproof_agent.detection.replies import detection_reply
from edgeproof_agent.machine.board_state import read_board_state
from edgeproof_agent.machine.cpu_share import MAX_CPUS
from edgeproof_agent.machine.yardstick import yardstick_ns
from edgeproof_agent.pictures.decoding import PictureError, decode_picture
from edgeproof_agent.pictures.opencv import cv2
from edgeproof_agent.pipeline.bench import bench
from edgeproof_agent.serve.board_sampling import BoardSampling
from edgeproof_agent.serve.cpu_choice import ALL, CORES, CpuChoice, require_at_once
from edgeproof_agent.serve.measurement_lease import MeasurementLease
from edgeproof_agent.serve.run_limits import RunLimits
from edgeproof_agent.store.objects import STORE_FOLDER
from edgeproof_agent.store.usage_locks import hold
from edgeproof_agent.wire.answering import Exchange, Operation, Reply, RequestError, check_protocol

if TYPE_CHECKING:
    from edgeproof_agent.pipeline.handover import FrameSlot

MAX_RUNS = 1_000_000
MAX_PROFILED_RUNS = 1000
MAX_IDLE_SECONDS = 60.0


def _store_folder() -> Path:
    """The store that this agent lies in, as agents/DIGEST/edgeproof_agent/serve; else the one of the home folder."""
    above = Path(__file__).parents[4]
    return above if above.name == STORE_FOLDER else Path("~").expanduser() / STORE_FOLDER


class DetectionOperations:
    """The agent's state between requests: its runtime and, once loaded, its detector."""

    def __init__(self, runtime: Runtime, limits: Optional[RunLimits] = None, lease: Optional[str] = None) -> None:
        """`lease` is the token of the lease under which the host measures."""
        self._runtime = runtime
        self._limits = RunLimits() if limits is None else limits
        self._detector: Optional[Detector] = None
        self._bundle = Path()
        self._delegated = False
        self._cpus = CpuChoice()
        self._sampling = BoardSampling()
        self._lease = MeasurementLease(_store_folder(), lease)

    def table(self) -> dict[str, Operation]:
        return {
            "hello": self.hello,
            "prove": self.prove,
            "load": self.load,
            "prepare": self.prepare,
            "detect": self.detect,
            "outputs": self.outputs,
            "bench": self.bench,
            "profile": self.profile,
            "stream": self.stream,
            "state": self.state,
        }

    def hello(self, exchange: Exchange) -> Reply:
        check_protocol(exchange)
        return {
            "protocol": PROTOCOL_VERSION,
            "agent": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "opencv": cv2.__version__,
            "pid": os.getpid(),
            "runtime": {"name": self._runtime.name, "version": self._runtime.version},
            "limits": self._limits.to_json(),
        }, b""

    def prove(self, exchange: Exchange) -> Reply:
        """Builds and runs an interpreter for the payload, a model that adds one to its float32 input."""
        try:
            with self._limits.loading(exchange, "the proof of the runtime"):
                prove(self._runtime, exchange.payload)
        except InterpreterError as error:
            raise RequestError("runtime", str(error)) from error
        return {}, b""

    def load(self, exchange: Exchange) -> Reply:
        """Loads the bundle at a path of this machine and runs it on the health pictures, unless `check_health` is
        false. `cores` are the CPUs that it runs on, `delegate` is an external delegate's library.

        `load_seconds` and `inference_seconds` bound both, and every inference from then on. A `stage` event comes ahead
        of each, so that the host knows what was under way when nothing more comes.
        """
        fields = exchange.fields
        path = Path(fields.text("bundle")).expanduser()
        cpus = self._cpus.take(fields.choice("cores", CORES, default=ALL))
        threads = fields.integer("threads", default=default_threads(), low=1, high=MAX_CPUS)
        require_at_once(threads, cpus)
        delegate = fields.text("delegate") if "delegate" in fields else None
        self._limits.set_from(fields)
        hold(path)
        self._detector = None  # its memory goes before the next one is built
        exchange.send_event("stage", {"stage": "loading"})
        try:
            with self._limits.loading(exchange, "loading"):
                labels = read_labels(path)
                detector = load_detector(path, self._runtime, threads, delegate)
        except DelegateError as error:
            raise RequestError("delegate", str(error)) from error
        except BundleLoadError as error:
            raise RequestError("bundle", f"{error}{self._limits.memory_words()}") from error
        health = {}
        if fields.flag("check_health", default=True):
            exchange.send_event("stage", {"stage": "first inference"})
            health = {"first_invoke_ns": self._check_health(exchange, detector)}
        self._detector, self._bundle, self._delegated = detector, path, delegate is not None
        reason = {"threads_reason": ONE_THREAD_WORDS} if detector.threads < threads else {}
        return {
            **health,
            **reason,
            "manifest": detector.manifest.to_json(),
            "labels": labels,
            "threads": detector.threads,
            "cpus": cpus,
            "load_ns": detector.load_ns,
            "limits": self._limits.to_json(),
        }, b""

    def prepare(self, exchange: Exchange) -> Reply:
        """The input tensor for the picture in the payload, without running the model."""
        contract = self._loaded().manifest.input
        tensor = prepare(self._decode(exchange.payload), contract)
        arrays, payload = pack_arrays({"input": tensor})
        return {"arrays": arrays}, payload

    def detect(self, exchange: Exchange) -> Reply:
        """Detections on the encoded picture in the payload. With `digests`, also the SHA-256 of what each step made."""
        detector = self._loaded()
        body, payload = detection_reply(self._detect(exchange, detector))
        if exchange.fields.flag("digests", default=False):
            body["digests"] = step_digests(detector, self._decode(exchange.payload))
        return body, payload

    def outputs(self, exchange: Exchange) -> Reply:
        """The model's raw output tensors on the picture in the payload, as `output0`, `output1` ... in its order."""
        detector = self._loaded()
        self._detect(exchange, detector)
        arrays, payload = pack_arrays({f"output{place}": tensor for place, tensor in enumerate(detector.raw_outputs())})
        return {"arrays": arrays}, payload

    def bench(self, exchange: Exchange) -> Reply:
        """Runs the whole pipeline on the payload's picture again and again: see `pipeline.bench`.

        The states are those at the start and the end of what was measured, both under load: an idle CPU's clock tells
        nothing. With `yardstick`, each holds the time of a fixed piece of work, too. Between them the board is sampled:
        see `board_sampling`; ahead of all, what it draws in `idle_seconds` without work. Refused while another process
        measures on this board.
        """
        detector = self._loaded()
        runs = exchange.fields.integer("runs", low=1, high=MAX_RUNS)
        warmup_runs = exchange.fields.integer("warmup_runs", low=0, high=MAX_RUNS)
        max_seconds = exchange.fields.number("max_seconds", default=86_400.0, low=0.0, high=86_400.0)
        yardstick = exchange.fields.flag("yardstick", default=False)
        idle_seconds = exchange.fields.number("idle_seconds", default=0.0, low=0.0, high=MAX_IDLE_SECONDS)
        self._decode(exchange.payload)
        with self._lease.taken():
            self._sampling.rest(idle_seconds)
            before, after = bench(
                exchange,
                lambda: self._detect(exchange, detector).stages_ns,
                runs,
                warmup_runs,
                max_seconds,
                lambda: _busy_state(yardstick),
                self._sampling.beside,
            )
        arrays, payload = pack_arrays(self._sampling.payload())
        return {"before": before, "after": after, "arrays": arrays}, payload

    def profile(self, exchange: Exchange) -> Reply:
        """What each operator of the model takes on the payload's picture, the host's model of `prove` beside it.

        Where the runtime cannot tell, or does not prove to tell it rightly, the answer is `unavailable`: why.
        """
        from edgeproof_agent.profiling.operators import (
            MAX_SECONDS,
            Amount,
            Profiled,
            ProfileUnavailableError,
            find_library,
            profile_operators,
        )

        detector = self._loaded()
        if self._delegated:
            return {"unavailable": "the profiler runs a model without an external delegate"}, b""
        runs = exchange.fields.integer("runs", low=1, high=MAX_PROFILED_RUNS)
        warmup_runs = exchange.fields.integer("warmup_runs", low=0, high=MAX_PROFILED_RUNS)
        seconds = exchange.fields.number("max_seconds", low=0.0, high=MAX_SECONDS)
        given = unpack_arrays(exchange.fields, exchange.payload)
        if set(given) != {"picture", "proof"}:
            raise RequestError("request", "the payload must hold the arrays picture and proof")
        encoded = given["picture"].tobytes()
        picture = self._decode(encoded)
        with self._lease.taken():
            self._detect(exchange, detector, encoded)
            try:
                found = profile_operators(
                    Profiled(detector.interpreter, self._bundle / MODEL_FILE, detector.threads, detector.raw_outputs()),
                    find_library(self._runtime.name),
                    given["proof"].tobytes(),
                    detector.prepare(picture),
                    Amount(warmup_runs, runs, seconds),
                )
            except ProfileUnavailableError as error:
                return {"unavailable": str(error)}, b""
        arrays, payload = pack_arrays(found.arrays())
        return {"operators": found.operators, "threads": detector.threads, "arrays": arrays}, payload

    def stream(self, exchange: Exchange) -> Reply:
        """Detects on the frames of a source of this machine; an event a frame, `window` of them unanswered.

        Frames are captured beside inference; without `overlap` in turn with it, which gives clean timings.
        """
        from edgeproof_agent.pipeline.stream import detect_frame
        from edgeproof_agent.serve.stream_request import StreamRequest, run_stream

        detector = self._loaded()
        request = StreamRequest.read(exchange.fields)

        def detect(frame: "FrameSlot", stages_ns: dict[str, int]) -> Detection:
            with self._limits.inference(exchange, "a frame"):
                return detect_frame(detector, frame, stages_ns)

        before = read_board_state()
        counts = run_stream(exchange, request, detector, detect, self._limits.max_pixels)
        return {**counts, "before": before, "after": read_board_state()}, b""

    def state(self, exchange: Exchange) -> Reply:  # noqa: ARG002
        return {"state": read_board_state(), "limits": self._limits.to_json()}, b""

    def _check_health(self, exchange: Exchange, detector: Detector) -> int:
        """Runs a model on each health picture; returns the nanoseconds of the first inference."""
        contract = detector.manifest.input
        first_invoke_ns = None
        for shown, picture in health_pictures(contract.height, contract.width).items():
            try:
                with self._limits.inference(exchange, f"an inference on {shown}"):
                    stages_ns = detector.detect(picture).stages_ns
            except DetectionError as error:
                raise RequestError("bundle", f"the model loads, but on {shown} {error}") from error
            except (ValueError, RuntimeError) as error:
                words = f"the model loads but does not run: {error}{self._limits.memory_words()}"
                raise RequestError("bundle", words) from error
            first_invoke_ns = stages_ns["invoke"] if first_invoke_ns is None else first_invoke_ns
        assert first_invoke_ns is not None
        return first_invoke_ns

    def _detect(self, exchange: Exchange, detector: Detector, encoded: Optional[bytes] = None) -> Detection:
        """On `encoded`, else on the payload."""
        try:
            with self._limits.inference(exchange, "a picture"):
                return detector.detect_encoded(
                    exchange.payload if encoded is None else encoded, self._limits.max_pixels
                )
        except PictureError as error:
            raise RequestError("picture", str(error)) from error
        except DetectionError as error:
            raise RequestError("model", str(error)) from error
        except RuntimeError as error:
            raise RequestError("model", f"the model does not run: {error}{self._limits.memory_words()}") from error

    def _decode(self, data: bytes) -> np.ndarray:
        try:
            return decode_picture(data, self._limits.max_pixels)
        except PictureError as error:
            raise RequestError("picture", str(error)) from error

    def _loaded(self) -> Detector:
        if self._detector is None:
            raise RequestError("request", "no bundle is loaded; send `load` first")
        return self._detector


def _busy_state(yardstick: bool) -> dict[str, Any]:
    state = read_board_state()
    return {**state, "yardstick_ns": yardstick_ns()} if yardstick else state
