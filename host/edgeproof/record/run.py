"""A report and its runs, schema `edgeproof.report/2`."""

import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeproof import __version__
from edgeproof.record.board import BoardInfo, BoardState, RuntimeInfo, states_json
from edgeproof.record.load import LoadResult
from edgeproof.record.measurements import Latency, Stream, summary_json
from edgeproof.record.pictures import Picture
from edgeproof.record.verdict.claims import Answer, Claim, combined
from edgeproof_agent.bundle.manifest import Manifest
from edgeproof_agent.sources.grammar import without_credentials

if TYPE_CHECKING:  # what few runs hold, and every command would wait for
    from edgeproof.record.accuracy import Accuracy
    from edgeproof.record.precision_recall import PrecisionRecall
    from edgeproof.record.profile import Profile
    from edgeproof.record.verdict.comparison import Comparison
    from edgeproof.record.verdict.parity import Parity

SCHEMA = "edgeproof.report/2"


@dataclass(frozen=True)
class BundleFacts:
    """What a report says of a bundle."""

    name: str
    variant: str
    digest: str
    size_bytes: int
    """Of all the bundle's files together, without bundle.json."""
    input: str
    """Height x width and type of the model's input, e.g. `300 x 300 uint8`."""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, digest: str, manifest: Manifest) -> "BundleFacts":
        size = sum(entry.size_bytes for entry in manifest.files.values())
        contract = manifest.input
        shape = f"{contract.height} x {contract.width} {contract.dtype.value}"
        return cls(manifest.name, manifest.variant, digest, size, shape, manifest.provenance)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Run:
    """One bundle on one board under one runtime. What was not done is None or empty, and absent from report.json."""

    bundle: BundleFacts
    board: BoardInfo
    runtime: RuntimeInfo
    load: LoadResult | None = None
    latency: Latency | None = None
    pictures: tuple[Picture, ...] = ()
    min_score: float = 0.0
    """The score from which `pictures` list a detection; `detections_file` holds them all."""
    detections_file: str | None = None
    """File of the detections in COCO's results format, relative to report.json."""
    stream: Stream | None = None
    profile: "Profile | None" = None
    before: BoardState | None = None
    after: BoardState | None = None
    error: str | None = None
    """Why the run ended early; what had arrived until then is kept."""
    parity: "Parity | None" = None
    """The board held against the host."""
    accuracy: "Accuracy | None" = None
    """On a labelled data set."""
    precision_recall: "tuple[PrecisionRecall, ...]" = ()
    """On a labelled data set: of all classes together first, then class by class."""
    claims: tuple[Claim, ...] = ()
    """Its gates, held against what was measured."""

    @property
    def peak_rss_mib(self) -> float | None:
        """Peak resident set size of the agent's process, from the latest that the run knows."""
        if self.latency is not None and self.latency.peak_rss_mib is not None:
            return self.latency.peak_rss_mib
        return self.after.peak_rss_mib if self.after is not None else None

    def to_json(self, folder: Path) -> dict[str, Any]:
        data: dict[str, Any] = {"bundle": self.bundle.to_json(), "board": self._board_json()}
        if self.load is not None or self.latency is not None:
            data["latency"] = self._latency_json()
        if self.pictures:
            data["detections"] = {
                "images": len(self.pictures),
                "file": self.detections_file,
                "listed_from_score": self.min_score,
            }
            data["pictures"] = [picture.to_json(folder) for picture in self.pictures]
        if self.stream is not None:
            data["stream"] = self.stream.to_json(folder)
        if self.profile is not None:
            data["profile"] = self.profile.to_json()
        if self.parity is not None:
            data["parity"] = self.parity.to_json()
        if self.accuracy is not None:
            data["accuracy"] = self.accuracy.to_json()
        if self.precision_recall:
            data["precision_recall"] = [curve.to_json() for curve in self.precision_recall]
        if self.claims:
            data["gates"] = [claim.to_json() for claim in self.claims]
        if self.error is not None:
            data["error"] = self.error
        return data

    def _board_json(self) -> dict[str, Any]:
        return {
            **asdict(self.board),
            "runtime": asdict(self.runtime),
            "state": states_json(self.before, self.after),
        }

    def _latency_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {}
        if self.latency is not None:
            data |= {"runs": self.latency.runs, "warmup_runs": self.latency.warmup_runs}
        if self.load is not None:
            data["threads"] = self.load.threads
            if self.load.threads_reason is not None:
                data["threads_reason"] = self.load.threads_reason
            if self.load.cpus is not None:
                data["cpus"] = asdict(self.load.cpus)
            if self.load.delegate is not None:
                data["delegate"] = self.load.delegate
            data["load_ms"] = self.load.load_ns / 1e6
            if self.load.first_invoke_ns is not None:
                data["first_ms"] = self.load.first_invoke_ns / 1e6
        if self.latency is not None:
            data["drift"] = self.latency.drift.ratio
            if self.latency.drift.reason is not None:
                data["drift_reason"] = self.latency.drift.reason
            data["peak_rss_mib"] = self.latency.peak_rss_mib
            states = states_json(self.latency.before, self.latency.after)
            if states:
                data["state"] = states
            if self.latency.timeline:
                data["timeline"] = [sample.to_json() for sample in self.latency.timeline]
            if self.latency.power is not None:
                data["power"] = asdict(self.latency.power)
            if self.latency.energy:
                data["energy"] = [energy.to_json() for energy in self.latency.energy]
            if self.latency.energy_reason is not None:
                data["energy_reason"] = self.latency.energy_reason
            data["stages"] = {stage: summary_json(summary) for stage, summary in self.latency.stages.items()}
        return data


@dataclass(frozen=True)
class HostInfo:
    """The machine that wrote a report."""

    edgeproof: str = __version__
    python: str = ""
    os: str = ""

    @classmethod
    def of_this_machine(cls) -> "HostInfo":
        return cls(__version__, platform.python_version(), platform.platform(terse=True))


@dataclass(frozen=True)
class Report:
    """The runs of one command."""

    runs: tuple[Run, ...]
    created: str | None = None
    """When, in UTC (ISO 8601, seconds)."""
    command: tuple[str, ...] = ()
    """As it was typed, but for the password of a URL."""
    host: HostInfo = field(default_factory=HostInfo)
    comparisons: "tuple[Comparison, ...]" = ()
    """Of its runs, where some were measured side by side."""
    outputs: tuple[str, ...] = ()
    """Files that were written with the report, relative to its folder. Empty when it was not written to a folder."""

    not_measured: tuple[str, ...] = ()
    """Runs of a check that never began, each `what: why`."""

    @property
    def verdict(self) -> Answer | None:
        """Over all gates of all runs; None when no run has gates.

        Nothing passes where a run ended early or never began.
        """
        answers = [claim.answer for run in self.runs for claim in run.claims]
        missing = [*self.not_measured, *(run.error for run in self.runs if run.error is not None)]
        if not answers and not self.not_measured:
            return None
        return combined([*answers, *(Answer.INCONCLUSIVE for _ in missing)])

    @property
    def sides(self) -> frozenset[int]:
        """Places of the runs that were measured side by side with another."""
        return frozenset(place for comparison in self.comparisons for place in (comparison.a, comparison.b))

    @property
    def alone(self) -> tuple[Run, ...]:
        """The other runs."""
        sides = self.sides
        return tuple(run for place, run in enumerate(self.runs) if place not in sides)

    @classmethod
    def now(cls, runs: tuple[Run, ...]) -> "Report":
        """Of this moment, this command and this machine."""
        created = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return cls(runs, created, ("edgeproof", *map(without_credentials, sys.argv[1:])), HostInfo.of_this_machine())

    def to_json(self, folder: Path = Path()) -> dict[str, Any]:
        """The JSON object of a report.json in `folder`, but for the raw samples. What was not measured is absent."""
        data: dict[str, Any] = {"schema": SCHEMA, "edgeproof": self.host.edgeproof}
        if self.created is not None:
            data["created"] = self.created
        if self.command:
            data["command"] = list(self.command)
        if self.host.python:
            data["host"] = {"python": self.host.python, "os": self.host.os}
        if self.outputs:
            data["outputs"] = list(self.outputs)
        if self.verdict is not None:
            data["verdict"] = self.verdict.value
        if self.not_measured:
            data["not_measured"] = list(self.not_measured)
        data["runs"] = [run.to_json(folder) for run in self.runs]
        if self.comparisons:
            data["comparisons"] = [comparison.to_json() for comparison in self.comparisons]
        return data
