"""The layout is the architecture: imports run one way, and heavy packages stay where they belong."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOST, AGENT = ROOT / "host" / "edgeproof", ROOT / "device" / "edgeproof_agent"

# Who may import whom within edgeproof: a package may use those after it in its own list.
ALLOWED = {
    "cli": {"demo", "runs", "report", "verify", "board", "convert", "odapi", "ssd", "sample"},
    "demo": {"runs", "report", "verify", "board", "convert", "odapi", "ssd", "sample"},
    "runs": {"report", "verify", "board"},
    "report": {"verify"},
    "verify": set(),
    "board": set(),
    "convert": {"odapi", "ssd"},
    "odapi": {"ssd"},
    "ssd": set(),
    "sample": set(),
}
HOMES = {
    "tensorflow": {"ssd", "convert", "odapi"},
    "paramiko": {"board"},
    "fabric": {"board"},
    "asyncssh": {"demo"},
    "click": {"cli"},
    "matplotlib": {"report"},
    "jinja2": {"report"},
}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_run_one_way(package: str) -> None:
    for path in (HOST / package).rglob("*.py"):
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "edgeproof" and len(parts) > 1 and parts[1] in ALLOWED:
                assert parts[1] in ALLOWED[package] | {package}, f"{path} imports {name}"


@pytest.mark.parametrize("library", HOMES)
def test_a_heavy_library_stays_in_its_packages(library: str) -> None:
    for path in HOST.rglob("*.py"):
        package = path.relative_to(HOST).parts[0]
        if library in {name.split(".")[0] for name in imports(path)}:
            assert package in HOMES[library], f"{path} imports {library}"


def test_the_agent_imports_nothing_of_the_host() -> None:
    allowed = set(sys.stdlib_module_names) | {"edgeproof_agent", "numpy", "cv2"}
    for path in AGENT.glob("*.py"):
        assert {name.split(".")[0] for name in imports(path)} <= allowed, path


def test_the_store_service_needs_nothing_but_the_standard_library() -> None:
    from edgeproof.board.bootstrap import STORE_MODULES

    allowed = set(sys.stdlib_module_names)
    ours = {f"edgeproof_agent.{module}" for module in STORE_MODULES} | {"edgeproof_agent"}
    for module in STORE_MODULES:
        for name in imports(AGENT / f"{module}.py"):
            assert name in ours or name.split(".")[0] in allowed, f"{module} imports {name}"
