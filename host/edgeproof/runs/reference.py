"""This machine as a board, for what a board is held against: a home folder of its own in the cache, a local pipe."""

import contextlib
from collections.abc import Iterator

from edgeproof.board.link.local import LocalTransport, base_python
from edgeproof.board.open_board import OpenBoard
from edgeproof.board.provision import provision
from edgeproof.board.runtime.releases import fitting_releases
from edgeproof.board.store.client import open_store
from edgeproof.local_files.cache_folder import cache_folder
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener

NAME = "this machine"


@contextlib.contextmanager
def open_reference() -> Iterator[OpenBoard]:
    """Opens its store."""
    home = cache_folder() / "reference"
    home.mkdir(parents=True, exist_ok=True)
    with LocalTransport(NAME, home) as transport, open_store(transport, base_python()) as store:
        yield OpenBoard(transport, store)


def reference_runtime(reference: OpenBoard, wanted: str, progress: ProgressListener) -> str:
    """The name of the runtime to run here, set up: the wanted one, or one that has a wheel for this machine."""
    fitting = [release.name for release in fitting_releases(reference.store.facts)]
    name = wanted if wanted in fitting or not fitting else fitting[0]
    if name != wanted:
        text = f"{wanted} has no wheel for this machine's Python: it runs {name}, whose kernels may differ"
        progress(Progress(text, ProgressKind.WARNING))
    provision(reference, [name], progress)
    return name
