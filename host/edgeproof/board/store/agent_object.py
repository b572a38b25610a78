"""The agent as an object of the board's store."""

import functools
import os
from importlib import resources
from pathlib import Path

from edgeproof.board.store.local_objects import LocalObject
from edgeproof.local_files.cache_folder import cache_folder
from edgeproof.local_files.remembered_digests import remembered_digests
from edgeproof_agent.store.objects import Kind, StoredFile, listing_digest

_MEMORY = "agent-digests.json"
PACKAGE = "edgeproof_agent"


@functools.cache
def agent_object() -> LocalObject:
    """The agent that belongs to this version of edgeproof."""
    folder = agent_folder()
    paths = sorted(Path(place, name) for place, _, names in os.walk(folder) for name in names if name.endswith(".py"))
    digests = remembered_digests(paths, cache_folder() / _MEMORY)
    files = {
        StoredFile(path.relative_to(folder.parent).as_posix(), path.stat().st_size, digest): path
        for path, digest in zip(paths, digests, strict=True)
    }
    return LocalObject(Kind.AGENT, listing_digest(list(files)), files)


def agent_folder() -> Path:
    """Where the agent's package lies on this machine."""
    return Path(str(resources.files(PACKAGE)))
