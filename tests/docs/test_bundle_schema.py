"""The published JSON Schema of bundle.json against the agent's own reader: what one takes, so does the other."""

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from edgeproof_agent.bundle.manifest import (
    ANCHORS_FILE,
    BoxScales,
    FileEntry,
    InputType,
    ManifestError,
    NonMaxSuppression,
    RawHeadsContract,
)
from edgeproof_agent.bundle.manifest_reader import parse_manifest
from tests.support.example_manifest import MANIFEST
from tests.support.places import ROOT

SCHEMA = json.loads((ROOT / "docs/reference/bundle.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

RAW_HEADS = RawHeadsContract(
    0, 1, BoxScales(10.0, 10.0, 5.0, 5.0), NonMaxSuppression.FAST, 10, 1, 100, score_threshold=1e-8, iou_threshold=0.6
)
WHOLE: dict[str, Any] = {
    "operator in the graph": MANIFEST.to_json(),
    "float32": replace(
        MANIFEST, input=replace(MANIFEST.input, dtype=InputType.FLOAT32, quantization=None), category_ids=(1, 3, 90)
    ).to_json(),
    "the agent decodes": replace(
        MANIFEST, output=RAW_HEADS, files={**MANIFEST.files, ANCHORS_FILE: FileEntry("d" * 64, 160)}
    ).to_json(),
}
OURS_ALONE = {
    ("output", "boxes"): "must be four different outputs",
    ("output", "classes"): "must be four different outputs",
    ("output", "scores"): "must be four different outputs",
    ("output", "count"): "must be four different outputs",
    ("output", "box_encodings"): "must be two different outputs",
    ("output", "class_scores"): "must be two different outputs",
    ("files", "anchors.npy"): "the agent needs the anchors",
}
"""What the reader holds against other fields, and a schema does not say."""


def taken_by_the_reader(document: Any) -> bool:
    try:
        parse_manifest(document)
    except ManifestError:
        return False
    return True


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_manifest_is_taken_by_both(name: str) -> None:
    VALIDATOR.validate(WHOLE[name])
    parse_manifest(WHOLE[name])


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Of every value of a document but those in provenance, which is free."""
    if path[:1] == ("provenance",):
        return
    if path:
        yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value at a place; `...` leaves the field out."""
    result = copy.deepcopy(document)
    owner = result
    for key in path[:-1]:
        owner = owner[key]
    if value is ...:
        del owner[path[-1]]
    else:
        owner[path[-1]] = value
    return result


LIMITS = (1, 3, 4, 128, 255, 8192, 100_000, 2**31)
"""Of whole numbers: each is tried with its neighbours."""
VALUES: tuple[Any, ...] = (
    *(None, True, 2.5, 1e-13, 1000000.5, "", "x", "A" * 128, "A" * 129, [], {}, [1, 2, 3], [0, 2, 3]),
    *sorted({sign * limit + beside for limit in LIMITS for beside in (-1, 0, 1) for sign in (1, -1)}),
)


@pytest.mark.parametrize("name", WHOLE)
def test_both_take_and_refuse_the_same(name: str) -> None:
    """With each field left out, and with each field made something else."""
    document = WHOLE[name]
    tried = 0
    for path in places(document):
        for value in (..., *VALUES):
            variant = changed(document, path, value)
            tried += 1
            mine, theirs = taken_by_the_reader(variant), VALIDATOR.is_valid(variant)
            if theirs and not mine and path in OURS_ALONE:
                with pytest.raises(ManifestError, match=OURS_ALONE[path]):
                    parse_manifest(variant)
                continue
            assert mine == theirs, f"{path} as in {variant if len(path) == 1 else variant[path[0]]}: reader {mine}"
    assert tried > 400
