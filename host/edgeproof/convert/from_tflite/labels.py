"""Labels of a .tflite that is converted already: the user's, or those that are packed with it."""

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edgeproof.ssd.files.labels import Labels, fit_labels, read_labels
from edgeproof.tflite.metadata_reader import TfliteMetadata, read_packed_labels
from edgeproof_agent.bundle.manifest import Manifest

LabelsFit = Callable[[int], Labels]
"""Gives the labels of so many classes, or raises UsageError."""


def find_labels(
    data: bytes, metadata: TfliteMetadata, beside: Manifest | None, labels: Path | None, shown: str
) -> LabelsFit | None:
    """None when there are no labels. `beside`, the manifest of the bundle that the file is from, says which category
    ids the packed ones have. Raises ModelError when the packed ones cannot be read.
    """
    if labels is not None:
        return functools.partial(read_labels, labels)
    packed = read_packed_labels(data, metadata, shown)
    if packed is None:
        return None
    path = f"{shown}: {metadata.label_files[0]}"
    return lambda num_classes: _with_categories(fit_labels(packed, num_classes, path), beside, num_classes)


def _with_categories(labels: Labels, beside: Manifest | None, num_classes: int) -> Labels:
    if beside is None or (beside.category_ids is not None and len(beside.category_ids) != num_classes):
        return labels
    return replace(labels, category_offset=beside.category_offset, category_ids=beside.category_ids)
