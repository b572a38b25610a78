"""What edgeproof has put on the board, and what is missing there."""

import shlex
from collections.abc import Iterator, Mapping, Sequence

from edgeproof.board.doctor.examination import PartialUpload
from edgeproof.board.doctor.finding import Finding, Value, bad, good, not_available, warning
from edgeproof.board.facts import BoardFacts
from edgeproof.board.runtime.releases import choose_releases, fitting_releases, require_distribution_packages
from edgeproof.board.store.inventory import AppState, Inventory
from edgeproof.errors import NoRuntimeError, ProvisionError
from edgeproof.wording.counting import counted

_STALE_SECONDS = 86_400
_SHOWN_DIGITS = 12


def provisioned(
    board: str,
    facts: BoardFacts,
    inventory: Inventory,
    agent_digest: str,
    incoming: Sequence[PartialUpload],
    variants: Mapping[str, str],
) -> Iterator[Finding]:
    """`agent_digest` is of the agent that belongs to this version of edgeproof.

    `variants` are those of the bundles that apps name, by their digests, as far as they are told.
    """
    yield _runtimes(board, facts, inventory)
    yield _agent(inventory, agent_digest)
    yield _bundles(inventory)
    yield _signatures(inventory)
    yield from (_app(board, name, state, variants) for name, state in inventory.apps.items())
    if incoming:
        yield _incoming(board, incoming)


def _runtimes(board: str, facts: BoardFacts, inventory: Inventory) -> Finding:
    fitting = fitting_releases(facts)
    there = {runtime.digest for runtime in inventory.runtimes}
    others = there - {release.digest(facts) for release in fitting}
    ready = [f"{release.name} {release.version}" for release in fitting if release.digest(facts) in there]
    data: dict[str, Value] = {
        "ready": ", ".join(ready),
        "fitting": ", ".join(f"{item.name} {item.version}" for item in fitting),
        "others": len(others),
    }
    if ready:
        more = f"; {len(others)} more that this version of edgeproof does not use" if others else ""
        return good("runtimes", f"{', '.join(ready)} ready{more}", **data)
    if fitting:
        try:
            require_distribution_packages(fitting[0], facts, board)
        except ProvisionError as error:
            return warning("runtimes", f"none yet; {fitting[0].name} wants packages", str(error), **data)
        names = " and ".join(f"{release.name} {release.version}" for release in fitting)
        return warning("runtimes", f"none yet; {names} fit", f"edgeproof provision {shlex.quote(board)}", **data)
    try:
        choose_releases(facts, board)
    except NoRuntimeError as error:
        return bad("runtimes", "none fits this board", str(error), **data)
    raise AssertionError("a runtime is chosen though none fits")


def _agent(inventory: Inventory, agent_digest: str) -> Finding:
    if agent_digest in inventory.agents:
        return good("agent", "of this version", digest=agent_digest)
    if inventory.agents:
        return good("agent", "of another version; the next command that needs it sends this one's", digest=None)
    return not_available("agent", "none yet; it comes with the runtime")


def _bundles(inventory: Inventory) -> Finding:
    if not inventory.bundles:
        return not_available("bundles", "none yet")
    return good("bundles", f"{len(inventory.bundles)}", count=len(inventory.bundles))


def _signatures(inventory: Inventory) -> Finding:
    if inventory.signers is None:
        return good("signatures", "not asked for", required=False)
    if not inventory.signers:
        remedy = (
            "on the board, see ~/.edgeproof/allowed_signers: it cannot be read or names no ed25519 key, so that no "
            "bundle is taken. Delete it; the next push writes what require_signature in edgeproof.toml asks for"
        )
        return bad("signatures", "a bundle must be signed, and no key is trusted", remedy, required=True, keys=0)
    keys = counted(len(inventory.signers), "key")
    return good("signatures", f"a bundle must be signed by one of {keys}", required=True, keys=len(inventory.signers))


def _app(board: str, name: str, state: AppState, variants: Mapping[str, str]) -> Finding:
    if state.current is None:
        remedy = f"edgeproof push {shlex.quote(board)} BUNDLE --app {name}"
        return bad(f"app {name}", "has no bundle", remedy, current=None, previous=state.previous)
    before = f", before {_bundle(state.previous, variants)}" if state.previous else ""
    value = f"{_bundle(state.current, variants)}{before}"
    return good(f"app {name}", value, current=state.current, previous=state.previous)


def _bundle(digest: str, variants: Mapping[str, str]) -> str:
    return " ".join(filter(None, (variants.get(digest), digest[:_SHOWN_DIGITS])))


def _incoming(board: str, uploads: Sequence[PartialUpload]) -> Finding:
    size_bytes = sum(upload.size_bytes for upload in uploads)
    stale = sum(upload.age_seconds >= _STALE_SECONDS for upload in uploads)
    value = f"{counted(len(uploads), 'partial upload')}, {size_bytes / 1e6:.1f} MB"
    data = {"count": len(uploads), "stale": stale, "size_bytes": size_bytes}
    if stale:
        return warning(
            "incoming", f"{value}, {stale} older than a day", f"edgeproof prune {shlex.quote(board)}", **data
        )
    return good("incoming", f"{value}; the next push continues", **data)
