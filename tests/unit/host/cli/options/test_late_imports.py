"""Modules that are imported by their names in a text exist: no type checker looks into a text."""

import ast
from pathlib import Path

import pytest

from edgeproof.cli.options.late_imports import importing
from tests.support.places import ROOT

TAKERS = [
    path
    for path in sorted((ROOT / "host/edgeproof").rglob("*.py"))
    if path.name != "late_imports.py" and "importing(" in path.read_text(encoding="utf-8")
]


def named(source: str) -> set[str]:
    """Every text of a module that takes `importing` which reads like the name of a module of a package."""
    texts = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return {
        text for text in texts if isinstance(text, str) and all(map(str.isidentifier, text.split("."))) and "." in text
    }


@pytest.mark.parametrize("path", TAKERS, ids=lambda path: path.stem)
def test_every_module_that_is_imported_late_exists(path: Path) -> None:
    names = named(path.read_text(encoding="utf-8"))
    assert names
    for name in names:
        importing(name)()


def test_a_module_that_is_gone_is_an_error() -> None:
    assert named("importing('report.terminal', *['cli.echo'])") == {"report.terminal", "cli.echo"}
    with pytest.raises(ModuleNotFoundError, match=r"edgeproof\.report\.terminal"):
        importing("report.terminal")()
