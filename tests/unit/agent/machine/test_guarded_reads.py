"""Every question to kernel, drivers, files and the system's libraries may fail in any way: then nothing is told."""

import ast
import builtins
import errno
import io
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgeproof_agent.machine.board_state import read_board_state
from edgeproof_agent.machine.examination import examine
from edgeproof_agent.machine.kernel_files import told
from edgeproof_agent.machine.memory_limit import free_bytes
from edgeproof_agent.machine.probe import probe
from tests.support.places import ROOT

PACKAGE = ROOT / "device/edgeproof_agent"
MODULES = {"os", "platform", "shutil", "resource", "pwd", "grp", "subprocess", "site", "PathFinder", "ctypes", "fcntl"}
"""What asks the system."""
METHODS = {
    *("open", "read_text", "read_bytes", "write_text", "write_bytes", "glob", "rglob", "iterdir", "stat", "lstat"),
    *("resolve", "exists", "is_file", "is_dir", "is_symlink", "readlink", "home", "communicate", "kill", "mallopt"),
}
HARMLESS = {
    "os.environ.get",
    "os.getuid",
    "os.major",
    "os.minor",
    "os.getpid",
    "os.path.basename",
    "platform.python_version",
}
HARMLESS |= {"ctypes.sizeof"}
HARMLESS |= {"platform.python_implementation", "os.getenv"}
NOT_ASKED = {"libc.mallopt"}
"""A setting of this very process; it returns 0 when it is refused."""


def name_of(node: ast.AST) -> str:
    """`os.path.realpath` of the node that stands for it."""
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def asks(call: ast.Call) -> bool:
    name = name_of(call.func)
    if name in HARMLESS or name in NOT_ASKED or name.startswith("subprocess.Timeout"):
        return False
    last = name.rpartition(".")[2] or (call.func.attr if isinstance(call.func, ast.Attribute) else "")
    return (
        name.partition(".")[0] in MODULES
        or (isinstance(call.func, ast.Attribute) and last in METHODS)
        or name in ("open", "DeviceNode")
    )


def catches_all(block: ast.Try) -> bool:
    return any(isinstance(handler.type, ast.Name) and handler.type.id == "Exception" for handler in block.handlers)


def unguarded(source: str) -> list[str]:
    """The calls that ask the system outside of what is given to `told`."""
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}

    def ancestors(node: ast.AST) -> Iterator[ast.AST]:
        while node in parents:
            node = parents[node]
            yield node

    def guarded(node: ast.AST) -> bool:
        around = list(ancestors(node))
        below = [node, *around]
        for child, parent in zip(below, around, strict=False):
            if isinstance(parent, ast.Try) and child in parent.body and catches_all(parent):
                return True
            if isinstance(parent, ast.Call) and name_of(parent.func) == "told" and child is parent.args[0]:
                return isinstance(child, (ast.Lambda, ast.Call, ast.Name))
        functions = [item for item in around if isinstance(item, ast.FunctionDef)]
        return bool(functions) and all_uses_guarded(functions[0])

    def all_uses_guarded(function: ast.FunctionDef) -> bool:
        uses = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == function.name]
        return bool(uses) and all(guarded(use) for use in uses)

    return [
        f"{name_of(node.func)} in line {node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and asks(node) and not guarded(node)
    ]


@pytest.mark.parametrize("path", sorted((PACKAGE / "machine").glob("*.py")), ids=lambda path: path.name)
def test_every_question_to_the_system_is_guarded(path: Path) -> None:
    if path.name == "v4l2.py":
        return  # raises by its contract, which whoever opens a node reckons with: `DeviceNode` is one that asks
    assert unguarded(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("folder", ["device", "host"])
def test_proc_and_sys_are_read_by_the_guarded_modules_alone(folder: str) -> None:
    readers = set()
    for path in (ROOT / folder).rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts = [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        if any(text.lstrip("/").startswith(("proc/", "sys/")) for text in texts):
            readers.add(path.relative_to(ROOT / folder).as_posix())
    ours = {path for path in readers if not path.startswith("edgeproof_agent/machine/")}
    # By `read_value`, which is guarded.
    ours -= {"edgeproof_agent/store/services/systemd.py"}
    # The host's own limits, of this machine; and what a board's shell is asked to print, whatever it can.
    assert ours <= {
        "edgeproof/convert/confined/process.py",
        "edgeproof/convert/confined/program.py",
        "edgeproof/board/doctor/without_python.py",
    }


@pytest.mark.parametrize(
    "source",
    [
        "def f(p):\n    return p.read_text()",
        "import os\nx = os.sysconf('SC_CLK_TCK')",
        "def f(p):\n    try:\n        return p.stat()\n    except OSError:\n        return None",
        "def g(p):\n    return p.stat()\ndef f(p):\n    return told(lambda: g(p), 0) or g(p)",
        "def f(p):\n    return told(lambda: 1, p.stat())",
        "x = open('/proc/cpuinfo').read()",
        "def f(p):\n    with DeviceNode(p) as node:\n        return node",
        "def f(p):\n    try:\n        return 1\n    except Exception:\n        return p.stat()",
    ],
)
def test_a_question_without_a_guard_is_found(source: str) -> None:
    assert len(unguarded(source)) == 1


TROUBLES: list[Callable[[], BaseException]] = [
    lambda: BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
    lambda: OSError(errno.EIO, "Input/output error"),
    lambda: TypeError("can't concat NoneType to bytes"),
    lambda: KeyError("uid"),
    lambda: AttributeError("confstr"),
    lambda: UnicodeDecodeError("utf-8", b"a", 0, 1, "no"),
    lambda: MemoryError(),
    lambda: RuntimeError("a generator raised StopIteration"),
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda make: type(make()).__name__)
def test_whatever_every_question_answers_with_nothing_is_told_and_nothing_ends(
    trouble: Callable[[], BaseException], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise trouble()

    with monkeypatch.context() as broken:
        for module, names in (
            (os, ("confstr", "sysconf", "access", "getgroups", "sched_getaffinity", "cpu_count")),
            (shutil, ("disk_usage", "which")),
            (pwd, ("getpwuid",)),
            (subprocess, ("Popen",)),
            (io, ("open",)),
            (builtins, ("open",)),
            (Path, ("open", "glob", "rglob", "stat", "resolve", "exists")),
        ):
            for name in names:
                broken.setattr(module, name, fail)
        state, found, facts, free = (
            read_board_state(tmp_path),
            examine(tmp_path, tmp_path),
            probe(tmp_path, tmp_path),
            free_bytes(tmp_path),
        )
    assert free is None
    assert set(state.values()) == {None}
    assert found["thermal"] == found["cameras"] == found["cpufreq"] == []
    assert found["disk_free_bytes"] == 0
    assert (facts["cpu_count"], facts["libc"], facts["disk_free_bytes"]) == (1, "", 0)


def test_an_interrupt_is_not_swallowed() -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        told(interrupted, 0)


def test_a_thermal_zone_that_answers_eagain_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a Jetson's does while its sensor sleeps: a raw read returns None."""
    for number, temp in enumerate(("1", "42000")):
        zone = tmp_path / f"sys/class/thermal/thermal_zone{number}"
        zone.mkdir(parents=True)
        (zone / "type").write_text(f"zone{number}")
        (zone / "temp").write_text(temp)
    real = Path.open

    class Sleeping(io.RawIOBase):
        def read(self, size: int = -1) -> None:
            return None

    def opened(path: Path, *arguments: Any, **options: Any) -> Any:
        return Sleeping() if str(path).endswith("thermal_zone0/temp") else real(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", opened)
    assert read_board_state(tmp_path)["temperature_celsius"] == 42.0
