"""What can be told of a board on which the store service does not start: by its shell, which always runs."""

import re
from collections.abc import Iterator

from edgeproof.board.doctor.core_names import cores
from edgeproof.board.doctor.finding import Finding, bad, good, not_available, warning
from edgeproof.board.doctor.system import memory_finding
from edgeproof.board.facts import os_name
from edgeproof.board.link.deadline import Deadline
from edgeproof.board.link.transport import Transport
from edgeproof.errors import BoardError
from edgeproof.wording.printable import printable, printable_line

_SECONDS = 20.0
_MAX_BYTES = 1 << 18
_LITTLE_DISK_MIB = 600.0
_SECTION = "=edgeproof= "
_FILES = ("/proc/device-tree/model", "/etc/os-release", "/proc/meminfo", "/proc/cpuinfo")
_PYTHONS = (
    "/usr/bin/python3* /usr/local/bin/python3* /opt/*/bin/python3 $HOME/*/bin/python3 "
    "$HOME/.local/bin/python3* $HOME/.pyenv/versions/*/bin/python3 $HOME/.local/share/uv/python/*/bin/python3"
)

# Whatever is missing there leaves its section empty.
_SCRIPT = (
    f'for f in {" ".join(_FILES)}; do echo; echo "{_SECTION}$f"; cat "$f" 2>/dev/null; done; '
    f'echo; echo "{_SECTION}uname"; uname -srm; echo "{_SECTION}df"; df -Pk . 2>/dev/null; echo "{_SECTION}pythons"; '
    f"for p in {_PYTHONS}; do "
    'case "$p" in *config|*-dbg|*gdb*) ;; *) [ -x "$p" ] && echo "$p $("$p" -V 2>&1 </dev/null)";; esac; done; exit 0'
)
_VERSION = re.compile(r"(/\S+) Python (\d+)\.(\d+)\S*")
_OLDEST = (3, 9)


def examine_by_shell(transport: Transport, python: str, error: BoardError) -> Iterator[Finding]:
    """`error` says why the store service, run by `python`, does not start."""
    told = _sections(transport)
    model = printable_line(told.get(_FILES[0], "").replace("\0", ""))
    yield good("model", model) if model else not_available("model")
    uname = printable_line(told.get("uname", ""))
    yield good("system", f"{printable_line(os_name(told.get(_FILES[1], '')))}, {uname or 'kernel not told'}")
    yield bad("python", f"{printable_line(python)} does not do", f"{error}{_others(told.get('pythons', ''))}")
    yield memory_finding(told.get(_FILES[2], ""))
    yield _disk(told.get("df", ""))
    kinds = cores(told.get(_FILES[3], ""))
    yield good("cpu", ", ".join(kinds)) if kinds else not_available("cpu")


def _sections(transport: Transport) -> dict[str, str]:
    channel = transport.open(_SCRIPT)
    deadline = Deadline(_SECONDS, f"{transport.name} to be examined")
    data = b""
    try:
        while len(data) < _MAX_BYTES and (part := channel.receive(1 << 15, deadline)):
            data += part
    except (BoardError, OSError):
        pass  # what has come is told
    finally:
        channel.close()
    sections: dict[str, str] = {}
    for section in printable(data.decode("utf-8", errors="replace"), _MAX_BYTES).split(f"\n{_SECTION}"):
        name, _, text = section.partition("\n")
        sections[name.strip()] = text.strip("\n")
    return sections


def _others(pythons: str) -> str:
    """Which Pythons of the board would do."""
    found = {
        match[1]: (int(match[2]), int(match[3])) for match in map(_VERSION.fullmatch, pythons.splitlines()) if match
    }
    fit = [path for path, version in found.items() if version >= _OLDEST]
    if not fit:
        return ""
    return f'\nThe board has one that does: python = "{fit[0]}" in edgeproof.toml' + (
        f" (or {', '.join(fit[1:4])})" if fit[1:] else ""
    )


def _disk(table: str) -> Finding:
    words = table.splitlines()[-1].split() if table else []
    if len(words) < 6 or not words[3].isdigit():
        return not_available("disk")
    free_mib = int(words[3]) / 1024
    value = f"{free_mib:.0f} MiB free"
    if free_mib < _LITTLE_DISK_MIB:
        return warning(
            "disk", value, "That is little for a runtime: sudo apt clean, and see `du -xh ~ | sort -h | tail`"
        )
    return good("disk", value, free_mib=free_mib)
