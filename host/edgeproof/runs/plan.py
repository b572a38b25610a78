"""What a run is to do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from edgeproof.board.open_board import OpenBoard
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.detections import SourceTold, StreamFrame
from edgeproof.record.pictures import Detection, Picture
from edgeproof.record.run import Run
from edgeproof.runs.pictures import PictureFile
from edgeproof_agent.sources.grammar import Source
from edgeproof_agent.sources.settings import CaptureSettings

if TYPE_CHECKING:
    from edgeproof.datasets.labelled import LabelledDataSet

Draw = Callable[[Path, npt.NDArray[np.uint8], Sequence[Detection]], object]


def _none(_: Run) -> int:
    return 0


@dataclass(frozen=True)
class BenchPlan:
    picture: bytes
    """An encoded picture; the whole pipeline runs on it again and again."""
    runs: int = 150
    """130 carry a p95 with 99 % confidence."""
    warmup_runs: int = 10
    max_seconds: float = 86_400.0
    """Of all that is measured, warm-up and further runs among it."""
    cool_down_seconds: float = 0.0
    """The longest to wait for a hot board to cool down, ahead of everything."""
    idle_seconds: float = 0.0
    """For how long to read what the board draws with nothing to do, where something tells that."""
    settle: bool = False
    """Whether to warm up, after `warmup_runs`, until blocks of runs agree."""
    further_runs: Callable[[Run], int] = _none
    """Told what was measured so far: how many more runs are wanted; 0 ends the bench."""


class StreamObserver(Protocol):
    """Looks on while a stream runs, in the thread that takes its frames. A slow one slows the board."""

    @property
    def picture_seconds(self) -> float:
        """A picture comes along when the last is so long ago."""

    @property
    def state_seconds(self) -> float:
        """The same of the board's state."""

    def running(self, model: str) -> None:
        """The board has loaded this model, which is named with its variant."""

    def opened(self, told: SourceTold) -> None: ...

    def word(self, text: str) -> None:
        """What befell the source."""

    def frame(self, frame: StreamFrame, picture: Picture) -> None: ...


@dataclass(frozen=True)
class ProfilePlan:
    picture: bytes
    """An encoded picture, whose input tensor the model runs on again and again."""
    runs: int = 50
    warmup_runs: int = 5
    max_seconds: float = 60.0


@dataclass(frozen=True)
class StreamPlan:
    source: Source
    """A video of this machine, which is sent to the board and read there; or what the board itself has."""
    frames: int = 1_000_000_000
    seconds: float | None = None
    """After which it ends, whatever is to come."""
    capture: CaptureSettings = field(default_factory=CaptureSettings)
    overlap: bool = True
    shown: int = 6
    """About how many frames the report shows."""
    observer: StreamObserver | None = None
    """Is told what comes as it comes."""
    kept: bool = True
    """Whether each frame goes to a file. Without it the figures are those of the last frames."""


@dataclass(frozen=True)
class ParityPlan:
    """The same pictures through the same bundle here, to hold the board against."""

    reference: OpenBoard
    """This machine as a board; it has the bundle."""
    pictures: Sequence[PictureFile]
    runtime: str | None = None
    """The one to run here; None takes the preferred one."""
    float32_digest: str | None = None
    """The float32 bundle of the same source, which is in the reference's store too; None where there is none."""
    is_float32: bool = False
    """Whether the bundle itself is that one."""


@dataclass(frozen=True)
class Reference:
    """A bundle that is in the store of this machine as a board."""

    variant: str
    digest: str


@dataclass(frozen=True)
class AccuracyPlan:
    data_set: "LabelledDataSet"
    kept: Path
    """The folder where results are written as they arrive."""
    renames: Mapping[str, str] = field(default_factory=dict)
    """Class of the data set to label of the model."""
    common_classes: bool = False
    """Whether classes that the model does not know are left out."""
    host: OpenBoard | None = None
    """This machine as a board; None where nothing is run here."""
    runtime: str | None = None
    """The one to run here."""
    references: Sequence[Reference] = ()


@dataclass(frozen=True)
class RunPlan:
    out: OutputFolder
    """Where the run's files go."""
    pictures: Sequence[PictureFile] = ()
    bench: BenchPlan | None = None
    stream: StreamPlan | None = None
    profile: ProfilePlan | None = None
    parity: ParityPlan | None = None
    accuracy: AccuracyPlan | None = None
    threads: int | None = None
    cores: str | None = None
    """`big` keeps the model to the board's big CPUs."""
    delegate: str | None = None
    """The library of an external delegate on the board."""
    min_score: float = 0.5
    """From this score on a detection is listed and drawn; the file of detections holds them all."""

    draw: Draw | None = None
    """Writes a picture with its detections to a file; without it nothing is drawn."""
    subfolder: str = ""
    """Of `out`, for the files of this run among others."""

    def output_name(self, name: str) -> str:
        """What one of the run's files is called in `out`."""
        return f"{self.subfolder}/{name}" if self.subfolder else name
