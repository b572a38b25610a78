"""Whether a new bundle stays: it is tried a few times, and the one of before comes back when it never got healthy.

What is written down survives whatever befalls the process: a try counts from before the bundle is touched.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional

from edgeproof_agent.store.objects import replace_file
from edgeproof_agent.wire.fields import FieldError, Fields

_MAX_BYTES = 1 << 14


@dataclass(frozen=True)
class Rejected:
    """A bundle that was given up."""

    digest: str
    at_seconds: float
    """By the board's clock, since 1970."""
    words: str


@dataclass(frozen=True)
class Probation:
    proven: Optional[str] = None
    """The digest of the bundle that was healthy last."""
    trial: Optional[str] = None
    """Of the one that is not known to be, as it was linked at `trial_since_ns`: a push of the same is a new one."""
    trial_since_ns: int = 0
    tries: int = 0
    rejected: Optional[Rejected] = None

    def to_json(self) -> dict[str, Any]:
        return {**self.__dict__, "rejected": None if self.rejected is None else {**self.rejected.__dict__}}


@dataclass(frozen=True)
class Decision:
    """What is to be done at a start: run `digest`, or go back to it first."""

    digest: str
    back: bool
    state: Probation
    """To be written down before anything else happens."""

    @property
    def on_trial(self) -> bool:
        return self.state.proven != self.digest


def decide(
    state: Probation, digest: str, since_ns: int, previous: Optional[str], tries: int, now_seconds: float
) -> Decision:
    """`digest` is what the app points at since `since_ns`, `previous` what it pointed at before.

    Without a bundle to go back to a new one is tried for ever. A bundle that was given up is none.
    """
    if digest == state.proven:
        return Decision(digest, False, replace(state, trial=None, trial_since_ns=0, tries=0))
    same = (state.trial, state.trial_since_ns) == (digest, since_ns)
    done = state.tries if same else 0
    given_up = state.rejected.digest if state.rejected else None
    fallback = next((one for one in (state.proven, previous) if one not in (None, digest, given_up)), None)
    if done >= tries and fallback is not None:
        words = f"it was not healthy in {done} tries"
        rejected = Rejected(digest, now_seconds, words)
        return Decision(fallback, True, replace(state, trial=None, trial_since_ns=0, tries=0, rejected=rejected))
    return Decision(digest, False, replace(state, trial=digest, trial_since_ns=since_ns, tries=done + 1))


def proved(state: Probation, digest: str) -> Probation:
    """The bundle has been active and stable."""
    rejected = None if state.rejected and state.rejected.digest == digest else state.rejected
    return Probation(proven=digest, rejected=rejected)


def not_its_fault(state: Probation) -> Probation:
    """A try that was ended from outside: by a stop, or because the board was shut down."""
    return replace(state, tries=max(state.tries - 1, 0)) if state.trial is not None else state


def read_probation(path: Path) -> Probation:
    """A file that is missing or broken knows nothing: the bundle is on trial again."""
    try:
        with path.open("rb") as file:
            fields = Fields(json.loads(file.read(_MAX_BYTES)))
        rejected = None
        if "rejected" in fields:
            of = fields.nested("rejected")
            rejected = Rejected(of.text("digest", max_length=64), of.number("at_seconds"), of.text("words"))
        return Probation(
            proven=fields.text("proven", max_length=64) if "proven" in fields else None,
            trial=fields.text("trial", max_length=64) if "trial" in fields else None,
            trial_since_ns=fields.integer("trial_since_ns", default=0, high=2**63),
            tries=fields.integer("tries", default=0),
            rejected=rejected,
        )
    except (OSError, ValueError, RecursionError, FieldError):
        return Probation()


def write_probation(path: Path, state: Probation) -> None:
    replace_file(path, json.dumps(state.to_json()).encode())
