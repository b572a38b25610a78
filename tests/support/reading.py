"""A model source, recognised and read in one call."""

from pathlib import Path

from edgeproof.ssd.model import SsdModel
from edgeproof.ssd.source_options import SourceOptions
from edgeproof.ssd.sources import recognise_source


def read_source(
    path: Path, labels: Path | None = None, name: str | None = None, options: SourceOptions | None = None
) -> SsdModel:
    return recognise_source(path).read(labels, name, options)
