"""Which bundle a service runs at a start: the app's, or the one of before, to which the app goes back."""

import time
from dataclasses import dataclass
from pathlib import Path

from edgeproof_agent.service.journal import Journal
from edgeproof_agent.store.apps import PREVIOUS, current_link, linked_digest, switch
from edgeproof_agent.store.bundles import check_stored_bundle
from edgeproof_agent.store.objects import Store, StoreError
from edgeproof_agent.store.services.description import ServiceDescription
from edgeproof_agent.store.services.probation import decide, read_probation, write_probation
from edgeproof_agent.store.signatures import check_signature

_LOCK_SECONDS = 30.0


@dataclass(frozen=True)
class Chosen:
    link: tuple[str, int]
    """The digest, and since when the app has pointed at it, in ns."""
    on_trial: bool

    @property
    def digest(self) -> str:
        return self.link[0]


def choose_bundle(store: Store, description: ServiceDescription, probation: Path, journal: Journal) -> Chosen:
    """Writes a try down before anything of the bundle is touched. Raises `StoreError`."""
    app = description.app
    link = current_link(store, app)
    if link is None:
        raise StoreError("missing", f"the app {app} points at no bundle: push one")
    previous = linked_digest(store, app, PREVIOUS)
    decision = decide(read_probation(probation), *link, previous, description.tries, time.time())
    if decision.back:
        _go_back(store, app, link, decision.digest)
        rejected = decision.state.rejected
        words = f"bundle {link[0][:12]} is given up: {rejected.words if rejected else ''}"
        journal.event("back", f"{words}; {app} points at {decision.digest[:12]} again", bundle=decision.digest)
        write_probation(probation, decision.state)
        again = current_link(store, app)
        if again is None or again[0] != decision.digest:
            raise StoreError("busy", f"{app} was switched again in the meantime")
        decision = decide(decision.state, *again, None, description.tries, time.time())
        link = again
    write_probation(probation, decision.state)
    return Chosen(link, decision.on_trial)


def _go_back(store: Store, app: str, link: tuple[str, int], digest: str) -> None:
    """As `edgeproof rollback` would. Raises `StoreError`; the app then stays as it was."""
    store.lock(_LOCK_SECONDS)
    try:
        if current_link(store, app) != link:
            raise StoreError("busy", f"{app} was switched again in the meantime")
        manifest = check_stored_bundle(store, digest)
        if store.has_policy():
            check_signature(store, digest, manifest, None)
        switch(store, app, digest)
    finally:
        store.unlock()
