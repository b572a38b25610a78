"""The library's public names, which are a promise; and that the package alone is light."""

import subprocess
import sys

import pytest

import edgeproof

NAMES = [
    "Answer",
    "Board",
    "BoardError",
    "BoardProfile",
    "BoardStatus",
    "Bundle",
    "BundleError",
    "Claim",
    "ConversionError",
    "Deployment",
    "Diagnosis",
    "EdgeproofError",
    "ExportOptions",
    "Inspection",
    "NotAnSsdError",
    "ProfileError",
    "Progress",
    "Report",
    "ReportError",
    "Rollback",
    "Run",
    "UsageError",
    "Variant",
    "__version__",
    "export",
    "inspect",
    "open_bundle",
    "read_report",
    "write_report",
]
VERBS = [
    "accuracy",
    "bench",
    "check",
    "detect",
    "doctor",
    "name",
    "profile_operators",
    "provision",
    "prune",
    "push",
    "remove_app",
    "rollback",
    "status",
    "stream",
]


def test_the_public_names_are_these() -> None:
    assert sorted(edgeproof.__all__) == NAMES
    assert dir(edgeproof) == NAMES
    for name in NAMES:
        assert getattr(edgeproof, name) is not None
    assert sorted(name for name in vars(edgeproof.Board) if not name.startswith("_")) == VERBS


@pytest.mark.parametrize("name", [name for name in NAMES if name != "__version__"])
def test_each_says_what_it_is(name: str) -> None:
    assert (getattr(edgeproof, name).__doc__ or "").strip()


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "name"])
def test_each_verb_has_an_example(verb: str) -> None:
    assert "Example: `" in (getattr(edgeproof.Board, verb).__doc__ or "")


def test_a_name_that_is_none_is_said() -> None:
    with pytest.raises(AttributeError, match="module 'edgeproof' has no attribute 'bord'"):
        _ = edgeproof.bord


def test_the_package_alone_imports_nothing_heavy() -> None:
    code = (
        "import edgeproof, sys; print(sorted({'numpy', 'cv2', 'paramiko', 'tensorflow', 'click'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
