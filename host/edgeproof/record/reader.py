"""Reads report.json back: what the writer wrote reads equal, and reports of the schema before it read, too."""

import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from edgeproof.errors import ReportError
from edgeproof.local_files.bounded_files import UnreadableError, read_bounded, readable
from edgeproof.record.accuracy.precision_recall import read_precision_recall
from edgeproof.record.accuracy.reader import read_accuracy
from edgeproof.record.board import BoardInfo, BoardState, RuntimeInfo
from edgeproof.record.detections import SourceTold
from edgeproof.record.detections_reader import read_detections
from edgeproof.record.inner_file import inner_file
from edgeproof.record.measured.board_sample import read_timeline
from edgeproof.record.measured.energy import read_energy, read_power
from edgeproof.record.measured.latency import Drift, LatencySummary, Samples
from edgeproof.record.measured.load import CpuUse, LoadResult
from edgeproof.record.measured.measurements import Frame, Latency, Stream
from edgeproof.record.measured.profile import read_profile
from edgeproof.record.pictures import Picture
from edgeproof.record.run import SCHEMA, BundleFacts, HostInfo, Report, Run
from edgeproof.record.sample_file import read_samples
from edgeproof.record.verdict.claims import Answer
from edgeproof.record.verdict.reader import read_claim, read_comparison, read_parity
from edgeproof_agent.wire.fields import Fields

_MAX_BYTES = 512 << 20
_SCHEMAS = ("edgeproof.report/1", SCHEMA)
_MAX_RUNS, _MAX_PICTURES, _MAX_FRAMES = 10_000, 1_000_000, 10_000
_MAX_GATES, _MAX_CURVES = 1000, 100_000
_MAX_SAMPLES = 10_000_000
_MAX_TEXT = 100_000
_MAX_CLASSES = 10

_Record = TypeVar("_Record")


def read_report(path: Path) -> Report:
    """The report with its raw samples, and its pictures' files as paths beside it.

    Raises `ReportError` when it cannot be read, is of a schema that this version does not know, or when the samples
    are not those that it names.
    """
    with readable(path, ReportError, "Give a report.json that edgeproof wrote."):
        document = json.loads(read_bounded(path, _MAX_BYTES), parse_constant=_refuse_constant)
        root = Fields(document)
        schema = root.text("schema", max_length=200)
        if schema not in _SCHEMAS:
            raise UnreadableError(f"its schema is {schema!r}, and this edgeproof reads {' and '.join(_SCHEMAS)}")
        report = _report(root, path.parent)
        told = root.choice("verdict", [answer.value for answer in Answer]) if "verdict" in root else None
        if told != (None if report.verdict is None else report.verdict.value):
            raise UnreadableError(f"its verdict is {told or 'missing'}, which is not that of its gates")
        return report


def _report(root: Fields, folder: Path) -> Report:
    host = root.nested("host") if "host" in root else None
    return Report(
        runs=tuple(_run(run, folder) for run in root.objects("runs", _MAX_RUNS)),
        created=root.text("created", default="") or None,
        command=tuple(str(word) for word in root.items("command", _MAX_RUNS)) if "command" in root else (),
        host=HostInfo(
            root.text("edgeproof"),
            host.text("python", default="") if host else "",
            host.text("os", default="") if host else "",
        ),
        comparisons=tuple(map(read_comparison, root.objects("comparisons", _MAX_RUNS)))
        if "comparisons" in root
        else (),
        outputs=tuple(str(name) for name in root.items("outputs", _MAX_PICTURES)) if "outputs" in root else (),
        not_measured=tuple(str(words) for words in root.items("not_measured", _MAX_RUNS))
        if "not_measured" in root
        else (),
    )


def _run(run: Fields, folder: Path) -> Run:
    board = run.nested("board")
    state = board.nested("state") if "state" in board else Fields({})
    detections = run.nested("detections") if "detections" in run else None
    latency = run.nested("latency") if "latency" in run else None
    pictures = run.objects("pictures", _MAX_PICTURES) if "pictures" in run else []
    return Run(
        bundle=_bundle(run.nested("bundle")),
        board=_record(board, BoardInfo),
        runtime=_record(board.nested("runtime"), RuntimeInfo),
        load=None if latency is None or "load_ms" not in latency else _load(latency),
        latency=None if latency is None or "stages" not in latency else _latency(latency, folder),
        pictures=tuple(_picture(picture, folder) for picture in pictures),
        min_score=detections.number("listed_from_score", default=0.0) if detections else 0.0,
        detections_file=(detections.text("file", default="") or None) if detections else None,
        stream=_stream(run.nested("stream"), folder) if "stream" in run else None,
        profile=read_profile(run.nested("profile")) if "profile" in run else None,
        before=_state(state, "before"),
        after=_state(state, "after"),
        error=run.text("error", max_length=_MAX_TEXT) if "error" in run else None,
        parity=read_parity(run.nested("parity")) if "parity" in run else None,
        accuracy=read_accuracy(run.nested("accuracy"), folder) if "accuracy" in run else None,
        precision_recall=tuple(map(read_precision_recall, run.objects("precision_recall", _MAX_CURVES)))
        if "precision_recall" in run
        else (),
        claims=tuple(map(read_claim, run.objects("gates", _MAX_GATES))) if "gates" in run else (),
    )


def _bundle(bundle: Fields) -> BundleFacts:
    source = {"source": bundle.mapping("source")} if "source" in bundle else {}
    return BundleFacts(
        name=bundle.text("name"),
        variant=bundle.text("variant"),
        digest=bundle.text("digest"),
        size_bytes=bundle.integer("size_bytes"),
        input=bundle.text("input"),
        provenance=bundle.mapping("provenance") if "provenance" in bundle else source,
    )


def _load(latency: Fields) -> LoadResult:
    return LoadResult(
        load_ns=_ns(latency.number("load_ms")),
        first_invoke_ns=_ns(latency.number("first_ms")) if "first_ms" in latency else None,
        threads=latency.integer("threads", low=1),
        threads_reason=latency.text("threads_reason", max_length=_MAX_TEXT) if "threads_reason" in latency else None,
        cpus=_record(latency.nested("cpus"), CpuUse) if "cpus" in latency else None,
        delegate=latency.text("delegate", max_length=_MAX_TEXT) if "delegate" in latency else None,
    )


def _latency(latency: Fields, folder: Path) -> Latency:
    runs = latency.integer("runs", low=1, high=_MAX_SAMPLES)
    samples: dict[str, Samples] = {}
    if "samples" in latency:
        file = latency.nested("samples")
        stages = [str(stage) for stage in file.items("stages", 100, min_items=1)]
        samples = read_samples(inner_file(file, "file", folder), file.text("sha256", max_length=64), stages, runs)
    return Latency(
        runs=runs,
        warmup_runs=latency.integer("warmup_runs"),
        samples_ns=samples,
        stages=_stages(latency),
        drift=Drift(
            latency.number("drift") if "drift" in latency else None,
            latency.text("drift_reason", max_length=_MAX_TEXT) if "drift_reason" in latency else None,
        ),
        peak_rss_mib=latency.number("peak_rss_mib") if "peak_rss_mib" in latency else None,
        before=_state(latency.nested("state"), "before") if "state" in latency else None,
        after=_state(latency.nested("state"), "after") if "state" in latency else None,
        timeline=read_timeline(latency) if "timeline" in latency else (),
        power=read_power(latency.nested("power")) if "power" in latency else None,
        energy=tuple(map(read_energy, latency.objects("energy", _MAX_CLASSES))) if "energy" in latency else (),
        energy_reason=latency.text("energy_reason", max_length=_MAX_TEXT) if "energy_reason" in latency else None,
    )


def _state(states: Fields, moment: str) -> BoardState | None:
    return _record(states.nested(moment), BoardState) if moment in states else None


def _stages(fields: Fields) -> dict[str, LatencySummary]:
    stages = fields.nested("stages")
    return {name: _record(stages.nested(name), LatencySummary) for name in fields.mapping("stages")}


def _picture(picture: Fields, folder: Path) -> Picture:
    stages = picture.mapping("stages_ms") if "stages_ms" in picture else {}
    return Picture(
        name=picture.text("file_name", max_length=_MAX_TEXT),
        width=picture.integer("width"),
        height=picture.integer("height"),
        detections=read_detections(picture),
        error=picture.text("error", max_length=_MAX_TEXT) if "error" in picture else None,
        stages_ns={name: _ns(Fields(stages).number(name)) for name in stages},
        annotated=inner_file(picture, "annotated", folder) if "annotated" in picture else None,
    )


def _stream(stream: Fields, folder: Path) -> Stream:
    shown = stream.objects("shown", _MAX_FRAMES) if "shown" in stream else []
    return Stream(
        source=stream.text("source", max_length=_MAX_TEXT),
        frames=stream.integer("frames"),
        frames_with_detections=stream.integer("frames_with_detections"),
        fps=stream.number("fps"),
        stages=_stages(stream),
        shown=tuple(
            Frame(item.number("time_s"), inner_file(item, "annotated", folder), read_detections(item)) for item in shown
        ),
        told=_record(stream.nested("told"), SourceTold) if "told" in stream else None,
        overlap=stream.flag("overlap", default=True),
        whole=_record(stream.nested("whole"), LatencySummary) if "whole" in stream else None,
        accounted=stream.number("accounted") if "accounted" in stream else None,
        age=_record(stream.nested("age"), LatencySummary) if "age" in stream else None,
        **{name: stream.integer(name, default=0) for name in ("refused", "dropped", "repeated", "reconnects")},
        problems=tuple(str(words) for words in stream.items("problems", _MAX_FRAMES)) if "problems" in stream else (),
        frames_file=stream.text("frames_file") if "frames_file" in stream else None,
    )


def _record(fields: Fields, kind: type[_Record]) -> _Record:
    """A dataclass of plain values; what it does not know is passed over."""
    known: dict[str, Any] = {name: fields.value(name) for name in kind.__dataclass_fields__ if name in fields}  # type: ignore[attr-defined]
    return msgspec.convert(known, kind)


def _ns(ms: float) -> int:
    return round(ms * 1e6)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
