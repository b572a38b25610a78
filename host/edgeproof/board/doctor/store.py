"""What a push needs of the board, as the board itself has tried it."""

from collections.abc import Iterator

from edgeproof.board.doctor.finding import Finding, Value, bad, good
from edgeproof.board.store.trial import StoreTrial, remedy_for

_NAMES = {
    "readonly": "write",
    "owner": "write",
    "folder": "write",
    "disk": "write",
    "storage": "write",
    "noexec": "execute",
    "links": "links",
    "locks": "locks",
    "inodes": "inodes",
    "modules": "python library",
    "limits": "limits",
}
"""What a trouble's kind is called here."""
_MIB = 1 << 20


def store_findings(trial: StoreTrial) -> Iterator[Finding]:
    """One line for what went well, one for each trouble."""
    data: dict[str, Value] = dict(trial.figures)
    if not trial.troubles:
        yield good("trial", f"writes, executes, links, renames and locks{_left(trial)}", **data)
    limits = [
        f"{name} {value // _MIB} MiB"
        for name, key in _LIMITS
        for value in [trial.figures.get(key)]
        if value is not None
    ]
    if limits and "limits" not in dict(trial.troubles):
        yield good("limits", ", ".join(limits))
    for kind, text in trial.troubles:
        yield bad(_NAMES.get(kind, kind), text, remedy_for(kind))


_LIMITS = (
    ("addresses (ulimit -v)", "address_space_bytes"),
    ("a file (ulimit -f)", "file_bytes"),
    ("memory of the control group", "group_memory_bytes"),
)


def _left(trial: StoreTrial) -> str:
    free, inodes = trial.figures.get("free_bytes"), trial.figures.get("free_inodes")
    parts = [] if free is None else [f"{free / _MIB:.0f} MiB"]
    parts += [f"{inodes} inodes"] if inodes is not None else []
    return f"; {' and '.join(parts)} free" if parts else ""
