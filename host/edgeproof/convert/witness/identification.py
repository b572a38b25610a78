"""Reads a source and measures its conventions on pictures, without converting it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeproof.convert.calibration.representative import Sampling, representative_set
from edgeproof.convert.smoke_test import readable_pictures
from edgeproof.convert.witness.labelled import LabelledFindings, examine_on_labels
from edgeproof.convert.witness.witness import Findings, examine
from edgeproof.datasets.labelled import LabelledDataSet
from edgeproof.errors import PictureFolderError, UsageError
from edgeproof.ssd.source_options import SourceOptions
from edgeproof.ssd.sources import recognise_source
from edgeproof.wording.progress import Progress, ProgressListener, silent

MOST_PICTURES = 20


@dataclass(frozen=True)
class Identification:
    findings: Findings
    clearest_picture: npt.NDArray[np.uint8] | None
    """uint8 [H, W, 3] in BGR; None when the network is sure of nothing."""
    on_labels: LabelledFindings | None = None


def identify(
    source: Path,
    images: Path,
    labels: Path | None = None,
    options: SourceOptions | None = None,
    progress: ProgressListener = silent,
    labelled: LabelledDataSet | None = None,
) -> Identification:
    """`images` is a folder, or a COCO JSON file. Raises UsageError, NotAnSsdError, DataSetError or PictureFolderError.

    Labelled pictures decide between what those without labels leave.
    """
    options = options or SourceOptions()
    recognised = recognise_source(source)
    if recognised.kind.finished:
        raise UsageError(
            f"{source}: it is converted already, and edgeproof measures models that it converts. "
            "Give the model that it was made from, or look at it with edgeproof inspect."
        )
    options.require_files()
    pictures = readable_pictures(representative_set(images, Sampling()), MOST_PICTURES)
    if not pictures:
        raise PictureFolderError(f"{images}: none of its pictures can be read. Give a folder of JPEG or PNG pictures.")
    progress(Progress(f"reading {source.name}"))
    model = recognised.read(labels, None, options)
    predictions = model.predictions
    if predictions is None:
        raise UsageError(f"{source}: it is {recognised.kind.words}, which says itself what its boxes mean. Export it.")
    progress(Progress("running it under every hypothesis"))
    findings = examine(model, predictions, pictures)
    on_labels = None if labelled is None else examine_on_labels(model, predictions, findings, labelled, progress)
    return Identification(findings, None if findings.clearest is None else pictures[findings.clearest[0]], on_labels)
