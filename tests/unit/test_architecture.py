"""The layout is the architecture: imports run downwards through a table of layers, and heavy packages stay where they
belong. Rooms are the folders and modules directly below a package."""

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

Layers = Sequence[tuple[str, ...]]

HOST_LAYERS: Layers = (
    ("__main__", "pytest_plugin"),
    ("api", "cli"),
    ("demo",),
    ("cluster",),
    ("fleet",),
    ("check", "history", "watch"),
    ("inspection", "report", "runs", "torch"),
    ("convert", "sample"),
    ("board", "odapi", "tflite", "verify"),
    ("config", "record", "ssd"),
    ("bundle", "datasets", "fetch"),
    ("local_files",),
    ("wording",),
    ("errors",),
)
"""From the top down. A room imports rooms of lower layers, never its neighbours in the same layer."""

AGENT_LAYERS: Layers = (
    ("__main__", "service"),
    ("serve",),
    ("pipeline", "profiling"),
    ("detection", "sources", "store"),
    ("bundle", "machine", "pictures"),
    ("wire",),
)

BOARD_LAYERS: Layers = (
    ("service",),
    ("deploy", "doctor", "provision"),
    ("cameras", "open_board", "prune"),
    ("agent", "runtime"),
    ("ssh", "store"),
    ("facts", "link"),
)
"""The rooms within `board`."""

HOMES = {
    "tensorflow": {"ssd", "convert", "odapi"},
    "paramiko": {"board"},
    "fabric": {"board"},
    "asyncssh": {"demo"},
    "distributed": {"cluster"},
    "click": {"cli"},
    "matplotlib": {"report"},
    "jinja2": {"report"},
    "mlflow": {"report"},
    "sqlalchemy": {"history"},
    "alembic": {"history"},
    "torch": {"torch"},
    "torchvision": {"torch"},
    "litert_torch": {"torch"},
}
"""Library -> the only rooms of the host that import it."""

AGENT_LIBRARIES = {"edgeproof_agent", "numpy", "cv2"}


@dataclass(frozen=True)
class Package:
    """A package's files, the rooms that its table lists, and its name."""

    name: str
    """Dotted."""
    folder: Path
    layers: Layers

    def room(self, path: Path) -> str:
        return path.relative_to(self.folder).parts[0].removesuffix(".py")

    def layer(self, room: str) -> int:
        return next(number for number, rooms in enumerate(self.layers) if room in rooms)

    def files(self) -> Iterator[Path]:
        yield from sorted(self.folder.rglob("*.py"))

    def violations(self) -> Iterator[str]:
        """Imports that do not run downwards, and rooms that no layer names."""
        known = {room for rooms in self.layers for room in rooms}
        for path in self.files():
            room = self.room(path)
            if room == "__init__":
                continue
            if room not in known:
                yield f"{path.relative_to(self.folder)}: no layer has the room {room!r}"
                continue
            for other in sorted(self._rooms_imported(path, known) - {room}):
                if self.layer(other) <= self.layer(room):
                    yield f"{path.relative_to(self.folder)}: {room} imports {other}"

    def _rooms_imported(self, path: Path, known: set[str]) -> set[str]:
        below = (
            name.removeprefix(f"{self.name}.") for name in imported_names(path) if name.startswith(f"{self.name}.")
        )
        return {name.split(".")[0] for name in below} & known


HOST = Package("edgeproof", ROOT / "host" / "edgeproof", HOST_LAYERS)
BOARD = Package("edgeproof.board", HOST.folder / "board", BOARD_LAYERS)
AGENT = Package("edgeproof_agent", ROOT / "device" / "edgeproof_agent", AGENT_LAYERS)


def imported_names(path: Path) -> Iterator[str]:
    """Dotted names of all that a file imports: `from a import b` may mean the module a.b, so it gives a and a.b."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def libraries(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported_names(path)}


def foreign_to_the_agent(package: Package) -> list[str]:
    allowed = set(sys.stdlib_module_names) | AGENT_LIBRARIES
    return [f"{path.name} imports {name}" for path in package.files() for name in sorted(libraries(path) - allowed)]


@pytest.mark.parametrize("package", [HOST, BOARD, AGENT], ids=lambda package: package.name)
def test_imports_run_downwards(package: Package) -> None:
    assert list(package.violations()) == []


def test_the_agent_imports_nothing_of_the_host() -> None:
    assert foreign_to_the_agent(AGENT) == []


@pytest.mark.parametrize("package", [HOST, BOARD, AGENT], ids=lambda package: package.name)
def test_the_page_on_the_architecture_shows_the_tables(package: Package) -> None:
    rows = [f"| {number} | {', '.join(rooms)} |" for number, rooms in enumerate(package.layers, start=1)]
    assert "\n".join(rows) in (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("library", HOMES)
def test_a_heavy_library_stays_in_its_rooms(library: str) -> None:
    for path in HOST.files():
        if library in libraries(path):
            assert HOST.room(path) in HOMES[library], f"{path} imports {library}"


def test_opencv_is_loaded_with_its_pixel_limit_or_not_at_all() -> None:
    """OpenCV reads the limit once, as it is loaded: a single module that imports it first would undo it."""
    folders = (HOST.folder, AGENT.folder, ROOT / "deploy")
    importing = [path for folder in folders for path in sorted(folder.rglob("*.py")) if "cv2" in libraries(path)]
    assert importing == [AGENT.folder / "pictures" / "opencv.py"]


def test_the_store_service_needs_nothing_but_the_standard_library() -> None:
    """It runs on a board that has nothing else yet; its packages are sent whole."""
    from edgeproof.board.store.bootstrap import STORE_PACKAGES

    own = {"edgeproof_agent", *(f"edgeproof_agent.{package}" for package in STORE_PACKAGES)}
    for package in STORE_PACKAGES:
        for path in (AGENT.folder / package).rglob("*.py"):
            assert libraries(path) <= {*sys.stdlib_module_names, "edgeproof_agent"}, path
            for name in imported_names(path):
                inside = name in own or name.startswith(tuple(f"{item}." for item in own - {"edgeproof_agent"}))
                outside = name.startswith("edgeproof_agent.") and not inside
                assert not outside or name in ("edgeproof_agent.PROTOCOL_VERSION", "edgeproof_agent.__version__"), path


def written(folder: Path, name: str, source: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("board/status.py", "from edgeproof import runs"),
        ("board/status.py", "import edgeproof.runs.run"),
        ("board/status.py", "def late():\n    from edgeproof.runs import run"),
        ("results.py", "import edgeproof.board.ssh.transport"),
        ("errors.py", "from edgeproof import wording"),
        ("convert/deep/er/file.py", "from edgeproof.report import html"),
        ("newroom/file.py", ""),
    ],
)
def test_a_forbidden_import_of_the_host_is_found(tmp_path: Path, place: str, source: str) -> None:
    written(tmp_path, place, source)
    assert len(list(Package("edgeproof", tmp_path, HOST_LAYERS).violations())) == 1


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("store/deep/file.py", "from edgeproof import errors"),
        ("store/deep/file.py", "import edgeproof.errors"),
        ("store/deep/file.py", "import paramiko"),
    ],
)
def test_a_foreign_import_of_the_agent_is_found(tmp_path: Path, place: str, source: str) -> None:
    written(tmp_path, place, source)
    assert foreign_to_the_agent(Package("edgeproof_agent", tmp_path, AGENT_LAYERS)) != []


def test_an_allowed_import_is_none_of_them(tmp_path: Path) -> None:
    written(
        tmp_path,
        "board/status.py",
        "from edgeproof import errors, wording\nimport edgeproof.record.detections, json, numpy",
    )
    assert list(Package("edgeproof", tmp_path, HOST_LAYERS).violations()) == []
