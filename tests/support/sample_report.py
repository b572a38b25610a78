"""A plausible report, the same in every test run: two bundles under two runtimes, four pictures, one of them broken."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from edgeproof.record.board import BoardInfo, BoardState, RuntimeInfo
from edgeproof.record.boxes import PixelBox
from edgeproof.record.detections import BenchResult, SourceTold
from edgeproof.record.measured.board_sample import BoardSample, ClusterSample
from edgeproof.record.measured.energy import PowerReadings
from edgeproof.record.measured.load import LoadResult
from edgeproof.record.measured.measurements import Frame, Latency, Stream
from edgeproof.record.measured.profile import OperatorTime, Profile, RanOperator
from edgeproof.record.pictures import Detection, Picture
from edgeproof.record.run import BundleFacts, Report, Run
from edgeproof.record.verdict.chain import ChainLink, ChainStep
from edgeproof.record.verdict.claims import Answer, Claim
from edgeproof.record.verdict.comparison import Comparison, StageRatio
from edgeproof.record.verdict.parity import BothSides, Parity, ParityStage, PictureParity
from edgeproof.report.drawing.detections import encode_jpeg, write_annotated
from edgeproof.verify.latency import latency_of, summarize_stages

MS = 1_000_000
RUNTIMES = (RuntimeInfo("tflite-runtime", "2.14.0"), RuntimeInfo("ai-edge-litert", "1.4.0"))
VARIANTS = ("float32", "int8")


def board(name: str = "demo", *, emulated: bool = False) -> BoardInfo:
    return BoardInfo(
        name, "Raspberry Pi 4 Model B Rev 1.4", "Debian GNU/Linux 12", "aarch64", "3.11.2", 3794.0, 4, emulated
    )


def state(temperature_celsius: float | None = 51.2, own_cpu_seconds: float = 10.0) -> BoardState:
    """Of a quiet board: two states pass as much CPU time as the agent took."""
    return BoardState(
        temperature_celsius,
        1500.0,
        "ondemand",
        0x50000,
        0.42,
        3120.0,
        112.4,
        busy_cpu_seconds=1000.0 + own_cpu_seconds,
        own_cpu_seconds=own_cpu_seconds,
        uptime_seconds=5000.0 + own_cpu_seconds,
        cpus_allowed=4,
        clocks_mhz=(1500.0,),
    )


def bench(runs: int = 200, seed: int = 1, invoke_ms: float = 45.0) -> BenchResult:
    """`runs` samples a stage with the right-skewed scatter that real boards show."""
    random = np.random.default_rng(seed)
    samples = {
        stage: (median * MS * (1 + random.gamma(1.2, 0.03, runs))).astype(np.int64)
        for stage, median in (("decode", 6.1), ("preprocess", 1.3), ("invoke", invoke_ms), ("postprocess", 0.08))
    }
    samples["total"] = np.sum(list(samples.values()), axis=0)
    return BenchResult(samples, 10, state(), state(58.9, own_cpu_seconds=20.0))


def bundle(variant: str = "int8") -> BundleFacts:
    digest = {"float32": "3f", "int8": "a8"}.get(variant, "c4") * 32
    provenance = {
        "source": {"kind": "frozen_graph", "sha256": "5e" * 32},
        "tools": {"tensorflow": "2.21.0", "edgeproof": "0.1.0"},
        "calibration": {"pictures": 12},
    }
    return BundleFacts(
        "pedestrian", variant, digest, {"int8": 3_812_345}.get(variant, 12_204_567), "300 x 300 uint8", provenance
    )


def person(score: float = 0.902, label: str = "person") -> Detection:
    return Detection(label, 0, score, PixelBox(12.0, 8.5, 60.25, 80.0))


def pictures(folder: Path | None = None) -> tuple[Picture, ...]:
    """Two pictures with a person, one without, one that cannot be decoded; drawn into `folder` when that is given."""
    found = {"astronaut.png": (person(), person(0.71)), "camera.png": (person(0.993),), "coffee.png": ()}
    listed = []
    for number, (name, detections) in enumerate(found.items()):
        annotated = None
        if folder is not None:
            annotated = folder / f"{name}.jpg"
            write_annotated(annotated, gradient(96, 128, number), detections)
        listed.append(Picture(name, 128, 96, detections, annotated=annotated, stages_ns={"total": 52 * MS}))
    return (*listed, Picture("torn.jpg", 0, 0, error="it is broken or not a picture (JPEG, PNG, BMP, WebP ...)"))


def gradient(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A picture with every brightness in it, uint8 [height, width, 3]."""
    ramp = np.linspace(0, 255, width, dtype=np.uint8)
    shades = cv2.applyColorMap(np.tile(ramp, (height, 1)), (cv2.COLORMAP_BONE, cv2.COLORMAP_PINK)[seed % 2])
    return np.asarray(shades, np.uint8)


def stream(folder: Path | None = None) -> Stream:
    samples = bench(95, seed=9).samples_ns
    shown: tuple[Frame, ...] = ()
    if folder is not None:
        frames = []
        for second in (0.0, 1.2, 2.4):
            annotated = folder / f"frame-{second}.jpg"
            write_annotated(annotated, gradient(96, 128), [person()])
            frames.append(Frame(second, annotated, (person(),)))
        shown = tuple(frames)
    return Stream("bikes.mp4", 95, 61, 19.0, summarize_stages(samples), shown)


def live_stream(folder: Path | None = None) -> Stream:
    """A camera that was lost once."""
    plain = stream(folder)
    total = plain.stages["total"]
    return replace(
        plain,
        source="camera:0",
        told=SourceTold(True, "driver", 640, 480, 30.0, "MJPG"),
        whole=replace(total, mean_ms=total.mean_ms * 1.01),
        accounted=0.99,
        age=replace(total, p50_ms=41.5),
        refused=2,
        dropped=7,
        repeated=3,
        reconnects=1,
        problems=("the source is lost: its stream ended; it is opened again in 0.5 s",),
        frames_file="frames.jsonl",
    )


def run(
    variant: str = "int8",
    runtime: RuntimeInfo = RUNTIMES[0],
    folder: Path | None = None,
    runs: int = 200,
    seed: int = 1,
    invoke_ms: float = 45.0,
) -> Run:
    return Run(
        board=board(),
        runtime=runtime,
        bundle=bundle(variant),
        load=LoadResult(123 * MS, 61 * MS, 2),
        latency=latency_of(bench(runs, seed, invoke_ms)),
        pictures=pictures(folder),
        min_score=0.5,
        detections_file=f"detections/{runtime.name}-{variant}.json",
        before=state(),
        after=state(58.9),
    )


def parity() -> Parity:
    return Parity(
        "tflite-runtime 2.14.0",
        0.5,
        0.02,
        (
            PictureParity("astronaut.png", None, same=2),
            PictureParity(
                "camera.png",
                ParityStage.OUTPUTS,
                same=0,
                differing=1,
                borderline=1,
                output_delta=0.25,
                sides=BothSides((person(),), (person(0.4), shifted()), 128, 96, jpeg()),
            ),
            PictureParity("torn.jpg", ParityStage.PIXELS, note="board: it is broken"),
        ),
        (
            ChainLink(ChainStep.CONVERSION, missing="a bundle keeps no results of its source"),
            ChainLink(ChainStep.QUANTIZATION, 3, 2, 1, 1),
            ChainLink(ChainStep.KERNELS, 2, 1, 1, 1),
        ),
    )


def shifted() -> Detection:
    return Detection("person", 0, 0.81, PixelBox(40.0, 20.0, 50.0, 60.0))


def jpeg() -> bytes:
    return encode_jpeg(gradient(96, 128, 1))


def claims() -> tuple[Claim, ...]:
    """One of each answer."""
    return (
        Claim("total p95 < 80 ms", Answer.PASS, 80.0, "ms", 56.1, 55.2, 57.9, 200),
        Claim("parity differing <= 1 %", Answer.FAIL, 1.0, "%", 33.3, 1.7, 86.5, 3),
        Claim("accuracy map >= 0.40", Answer.INCONCLUSIVE, 0.4, "", note="accuracy was not measured"),
    )


def comparison() -> Comparison:
    stages = {"invoke": StageRatio(0.48, 0.47, 0.49, -20.5), "total": StageRatio(0.5, 0.49, 0.51, -21.0)}
    return Comparison(0, 1, 20, 10, stages, ("the board reports: throttled",))


def sampled_latency(kind: str = "pmic") -> Latency:
    """A bench beside which the board was sampled, what it drew among it."""
    timeline = (
        BoardSample(0.0, 51.5, 0, 0.4, 90.5, (ClusterSample(0, 1500.0, 1800.0),)),
        BoardSample(1.001, clusters=(ClusterSample(0, 1800.0, 1800.0, 0.97), ClusterSample(4))),
        BoardSample(2.0),
    )
    watts = tuple(4.0 + 0.1 * (reading % 3) for reading in range(30))
    power = PowerReadings("Raspberry Pi PMIC", kind, 10.4, watts, (2.5,) * 25)
    return latency_of(replace(bench(), seconds=10.4, timeline=timeline, power=power))


def profile() -> Profile:
    """Of a network of three layers and its post-processing, of which the profiler does not tell one."""
    times = [
        OperatorTime(RanOperator("QUANTIZE", False, "QUANTIZE", "tfl.quantize"), 50, 450.0, 0.045),
        OperatorTime(
            RanOperator("Convolution (NHWC, QC8) IGEMM", True, "CONV_2D", "Extractor/Conv/Relu6;Extractor/Conv/Conv2D"),
            50,
            6100.5,
            0.61,
        ),
        OperatorTime(RanOperator("Convert (NC)", True), 50, 12.0, 0.0012),
        OperatorTime(
            RanOperator("TFLite_Detection_PostProcess", False, "TFLite_Detection_PostProcess", "out"), 50, 3e3, 0.3
        ),
    ]
    return Profile(tuple(times), 50, 2, 9.8, 10.1)


def report(folder: Path | None = None) -> Report:
    runs = [
        run(variant, runtime, folder, seed=index * 2 + number, invoke_ms=(45.0, 1234.0)[number] / (index + 1))
        for index, runtime in enumerate(RUNTIMES)
        for number, variant in enumerate(VARIANTS)
    ]
    return Report(tuple(runs))
