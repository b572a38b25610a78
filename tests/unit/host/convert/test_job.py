"""Whether a bundle that is there is the one that is asked for, and what is said when it is not."""

import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from edgeproof.bundle import open_bundle
from edgeproof.convert.job import Job, bundles_up_to_date
from edgeproof.convert.variants import Variant, settings_of
from edgeproof.wording.progress import Progress


def asked(folder: Path, change: Callable[[dict[str, Any]], object] = lambda _: None, name: str = "") -> list[str]:
    """What is said of an int8 bundle in `folder` when its own provenance, changed, is asked for."""
    bundle = open_bundle(folder)
    provenance = deepcopy(dict(bundle.manifest.provenance))
    change(provenance)
    said: list[Progress] = []
    job = Job(settings_of(Variant.INT8), folder, provenance)
    found = bundles_up_to_date([job], name or bundle.manifest.name, said.append)
    assert (Variant.INT8 in found) == (said[0].text == "int8: up to date")
    return [event.text for event in said]


@pytest.fixture
def bundle(tmp_path: Path, tiny_bundles: dict[str, Path]) -> Path:
    return Path(shutil.copytree(tiny_bundles["int8"], tmp_path / "int8"))


def test_the_same_provenance_is_up_to_date(bundle: Path) -> None:
    assert asked(bundle) == ["int8: up to date"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda made: made["source"].update(sha256="0" * 64), "its source"),
        (lambda made: made["settings"].update(labels_sha256=None), "its options"),
        (lambda made: made["tools"].update(edgeproof="99"), "edgeproof or a tool"),
        (lambda made: made["tools"].update(conversion_code="0"), "edgeproof or a tool"),
        (lambda made: made["calibration"].update(pictures=1), "its calibration pictures"),
        (lambda made: made.pop("calibration"), "its calibration pictures"),
        (lambda made: made["tools"].update(another="1"), "edgeproof or a tool"),
    ],
)
def test_what_changed_is_named(bundle: Path, change: Callable[[dict[str, Any]], object], words: str) -> None:
    assert asked(bundle, change) == [f"int8: exported again, since {words} changed"]


def test_another_name_is_another_bundle(bundle: Path) -> None:
    assert asked(bundle, name="other") == ["int8: exported again, since its name changed"]


def test_a_tool_that_is_not_installed_here_says_nothing_against_a_bundle(bundle: Path) -> None:
    assert asked(bundle, lambda made: made["tools"].update(tensorflow=None)) == ["int8: up to date"]
    assert asked(bundle, lambda made: made["tools"].pop("tensorflow")) != ["int8: up to date"]
