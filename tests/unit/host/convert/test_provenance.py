"""A bundle's provenance names the code that made it: a change of any of it is a change of the name."""

import ast
from collections.abc import Iterator
from pathlib import Path

import edgeproof_agent
from edgeproof.convert import provenance

AGENT = Path(edgeproof_agent.__file__).parent


def imported(path: Path, seen: set[Path]) -> Iterator[Path]:
    """The modules of the agent that one imports, and those that they import."""
    if path in seen:
        return
    seen.add(path)
    yield path
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("edgeproof_agent."):
            parts = str(node.module).split(".")[1:]
            module = AGENT.joinpath(*parts).with_suffix(".py")
            if module.is_file():
                yield from imported(module, seen)


def test_all_that_prepares_a_picture_is_named() -> None:
    """Calibration pictures go through it: with other code there, int8 weights come out otherwise."""
    needed = {
        path
        for path in imported(AGENT / "detection/preprocess.py", set())
        if path.relative_to(AGENT).parts[0] in ("detection", "pictures", "bundle")
    }
    assert len(needed) >= 5
    assert needed <= set(provenance.code_files())


def test_the_converters_themselves_are_named() -> None:
    named = {path.name for path in provenance.code_files()}
    assert {"converter.py", "smoke_test.py", "quantizer.py", "bundle.py"} <= named
