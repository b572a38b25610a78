"""The representative data set as a converter calls it, with the news of how far calibration is."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeproof.convert.calibration.representative import RepresentativeSet
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener
from edgeproof_agent.bundle.manifest import InputContract


@dataclass(frozen=True)
class CalibrationSamples:
    """Each call gives the samples anew: float32 [1, H, W, 3]."""

    pictures: RepresentativeSet
    contract: InputContract
    variant: str
    progress: ProgressListener

    def __call__(self) -> Iterator[npt.NDArray[np.float32]]:
        return self.pictures.tensors(self.contract, self._on_done, self._on_broken)

    def _on_done(self, done: int) -> None:
        self.progress(Progress(f"calibrating {self.variant}", done=done, total=len(self.pictures)))

    def _on_broken(self, path: Path, reason: str) -> None:
        self.progress(Progress(f"{path}: left out of the calibration, {reason}", ProgressKind.WARNING))
