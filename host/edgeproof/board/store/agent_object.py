"""The agent as an object of the board's store."""

import functools
from importlib import resources
from pathlib import Path

from edgeproof.board.store.local_objects import LocalObject, describe_file
from edgeproof_agent.store.objects import Kind, listing_digest

PACKAGE = "edgeproof_agent"


@functools.cache
def agent_object() -> LocalObject:
    """The agent that belongs to this version of edgeproof."""
    folder = agent_folder()
    paths = sorted(folder.rglob("*.py"))
    files = {describe_file(path.relative_to(folder.parent).as_posix(), path): path for path in paths}
    return LocalObject(Kind.AGENT, listing_digest(list(files)), files)


def agent_folder() -> Path:
    """Where the agent's package lies on this machine."""
    return Path(str(resources.files(PACKAGE)))
