"""What a run was measured in: the facts that have to be alike before two runs say anything of the bundle."""

from collections.abc import Mapping

from edgeproof.errors import UsageError
from edgeproof.record.board import BoardState
from edgeproof.record.run import HostInfo, Run

FACTS = ("board", "machine", "os", "arch", "python", "runtime", "threads", "governor", "edgeproof", "emulated")
"""Words by which a difference is declared."""


def environment(run: Run, host: HostInfo) -> Mapping[str, str]:
    """Each of `FACTS` that the record tells, as text."""
    states: list[BoardState | None] = [run.before]
    if run.latency is not None:
        states.append(run.latency.before)
    governor = next((state.governor for state in states if state is not None and state.governor), None)
    found: dict[str, str | None] = {
        "board": run.board.name,
        "machine": run.board.machine,
        "os": run.board.os,
        "arch": run.board.arch,
        "python": run.board.python,
        "runtime": f"{run.runtime.name} {run.runtime.version}",
        "threads": None if run.load is None else str(run.load.threads),
        "governor": governor,
        "edgeproof": host.edgeproof,
        "emulated": "yes" if run.board.emulated else "no",
    }
    return {fact: text for fact, text in found.items() if text is not None}


def differences(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, str]:
    """Fact -> `before -> after`, in the order of `FACTS`. What one of them does not tell is no difference."""
    return {
        fact: f"{first[fact]} -> {second[fact]}"
        for fact in FACTS
        if fact in first and fact in second and first[fact] != second[fact]
    }


def require_declared(found: Mapping[str, str], declared: tuple[str, ...]) -> None:
    """Raises UsageError for differences that the user has not named."""
    missing = [fact for fact in found if fact not in declared]
    if missing:
        listed = "\n".join(f"  {fact}: {found[fact]}" for fact in missing)
        options = " ".join(f"--differs {fact}" for fact in missing)
        raise UsageError(
            f"They were not measured in the same environment, so a difference need not be the bundle's:\n{listed}\n"
            f"If that is what is to be compared, say so: {options}"
        )
