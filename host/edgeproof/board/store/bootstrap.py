"""Starts the agent's store service on a board that has nothing of ours yet: its source travels over standard input."""

import json
import re
import shlex
import zlib
from pathlib import Path

from edgeproof.board.store.agent_object import agent_folder, agent_object
from edgeproof_agent.store.objects import STORE_FOLDER, Kind

STORE_PACKAGES = ("wire", "machine", "store")
"""What the store service consists of: the packages of the agent that need nothing but the standard library."""

_ZLIB_LEVEL = 3
"""33 kB in 3 ms; the highest level makes 29 kB of it in 14 ms, which only a link below 3 Mbit/s would thank."""

# Runs on any Python, in order to say which one it met. Reads exactly what it is given: frames follow at once.
_LOADER = """
import sys
sys.path[:] = [p for p in sys.path if p]  # a json.py in the home folder is not the one that is meant
import os
v = sys.version_info[:3]
if v < (3, 9):
    os.write(2, ("edgeproof: this is Python %d.%d.%d" % v).encode())
    sys.exit(5)
try:
    import importlib.machinery, json, zlib
except ImportError as error:
    os.write(2, ("edgeproof: this Python lacks %s" % error.name).encode())
    sys.exit(7)
def read(n):
    data = b""
    while len(data) < n:
        part = os.read(0, n - len(data))
        if not part:
            sys.exit(3)
        data += part
    return data
sources = json.loads(zlib.decompress(read(int(read(8)))))
agent = os.path.join(os.path.expanduser(sys.argv[1]), *sys.argv[2:])
def is_package(name):
    return any(n.startswith(name + ".") for n in sources)
def stored_code(name):  # what was compiled as the agent was stored, of the very same source; None without one
    parts = name.split(".") + (["__init__"] if is_package(name) else [])
    path = os.path.join(agent, *parts) + ".py"
    try:
        with open(path, encoding="utf-8", newline="") as file:
            same = file.read(len(sources[name]) + 1) == sources[name]
        return importlib.machinery.SourceFileLoader(name, path).get_code(name) if same else None
    except Exception:  # whatever a disk has made of it
        return None
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name in sources:
            return importlib.machinery.ModuleSpec(name, self, is_package=is_package(name))
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        name = module.__name__
        exec(stored_code(name) or compile(sources[name], name + ".py", "exec"), module.__dict__)
sys.meta_path.insert(0, Finder())
try:
    from edgeproof_agent.store.operations import main
except ImportError as error:
    os.write(2, ("edgeproof: this Python lacks %s" % error.name).encode())
    sys.exit(7)
sys.exit(main())
"""


def store_service_command(python: str, folder: str = "~") -> str:
    """The shell command that waits for `store_service_source` on its standard input. The shell stays its parent, so
    that a signal that kills Python reaches the host as an exit status.

    `folder` is where the store is or will be, on the board. Where this version's agent is stored, its compiled modules
    spare the board the compiling.
    """
    stored = f"{shell_path(folder)} {STORE_FOLDER} {Kind.AGENT.value} {agent_object().digest}"
    code = f"exec({_LOADER!r})"  # on one line, which every login shell can carry
    return f"{shell_path(python)} -E -S -B -c {shlex.quote(code)} {stored}; exit $?"


def shell_path(path: str) -> str:
    """A command or path as a word for a POSIX shell, which finds the home folder that `~` or `~user` at its beginning
    stands for."""
    match = re.match(r"~([A-Za-z0-9_][A-Za-z0-9_.-]*)?(?=/)", path)
    return f"{match[0]}{shlex.quote(path[match.end() :])}" if match else shlex.quote(path)


def store_service_source() -> bytes:
    """The store service's modules, compressed, with their length ahead."""
    folder = agent_folder()
    files = [
        folder / "__init__.py",
        *(path for name in STORE_PACKAGES for path in sorted((folder / name).rglob("*.py"))),
    ]
    sources = {_module_name(path, folder.parent): path.read_text(encoding="utf-8") for path in files}
    packed = zlib.compress(json.dumps(sources).encode(), _ZLIB_LEVEL)
    return b"%08d" % len(packed) + packed


def _module_name(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
