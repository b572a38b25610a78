"""Starts the agent's store service on a board: from what is stored there, or from a source that travels over standard
input where the board has nothing of ours yet.
"""

import functools
import json
import re
import shlex
import zlib
from pathlib import Path

from edgeproof.board.store.agent_object import agent_folder, agent_object
from edgeproof_agent.store.objects import STORE_FOLDER, Kind, listing_digest

STORE_PACKAGES = ("wire", "machine", "store")
"""What the store service consists of: the packages of the agent that need nothing but the standard library."""

STORED, LACKING = b"\x06", b"\x15"
"""What the far side says first, whether it has the source of this very version: ASCII's acknowledgement, or not. Nobody
prints them."""

_ZLIB_LEVEL = 3
"""65 kB in 7 ms; the highest level takes four times as long for 7 kB less."""

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
agent = os.path.join(os.path.expanduser(sys.argv[1]), *sys.argv[2:5])
def stored():  # the sources, if those that this board has are of this very version
    import hashlib
    found = {}
    for place, folders, files in os.walk(agent):
        for path in [os.path.join(place, name) for name in files if name.endswith(".py")]:
            parts = os.path.relpath(path, agent).split(os.sep)
            if parts[1] in sys.argv[6:]:
                with open(path, "rb") as file:
                    found["/".join(parts)] = file.read(1 << 20)
    listing = sorted([name, hashlib.sha256(data).hexdigest()] for name, data in found.items())
    if hashlib.sha256(json.dumps(listing, separators=(",", ":")).encode()).hexdigest() != sys.argv[5]:
        return None
    names = [(name[:-3].replace("/", "."), data.decode()) for name, data in found.items()]
    return {name[:-9] if name.endswith(".__init__") else name: text for name, text in names}
try:
    sources = stored()
except Exception:  # whatever a disk has made of them
    sources = None
os.write(1, b"\x06" if sources else b"\x15")
if not sources:
    sources = json.loads(zlib.decompress(read(int(read(8)))))
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
    """The shell command that says `STORED`, or `LACKING` and waits for `store_service_source` on its standard input.

    The shell stays its parent, so that a signal that kills Python reaches the host as an exit status.

    `folder` is where the store is or will be, on the board. Where this version's agent is stored whole, nothing has to
    be sent, and its compiled modules spare the board the compiling.
    """
    stored = f"{shell_path(folder)} {STORE_FOLDER} {Kind.AGENT.value} {agent_object().digest}"
    wanted = " ".join(("__init__.py", *STORE_PACKAGES))
    code = f"exec({_LOADER!r})"  # on one line, which every login shell can carry
    return f"{shell_path(python)} -E -S -B -c {shlex.quote(code)} {stored} {_source_digest()} {wanted}; exit $?"


@functools.cache
def _source_digest() -> str:
    """Of the store service's modules alone, as a board computes it of what it has stored."""
    wanted = ("__init__.py", *STORE_PACKAGES)
    return listing_digest([file for file in agent_object().files if file.name.split("/")[1] in wanted])


def shell_path(path: str) -> str:
    """A command or path as a word for a POSIX shell, which finds the home folder that `~` or `~user` at its beginning
    stands for."""
    match = re.match(r"~([A-Za-z0-9_][A-Za-z0-9_.-]*)?(?=/)", path)
    return f"{match[0]}{shlex.quote(path[match.end() :])}" if match else shlex.quote(path)


@functools.cache
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
