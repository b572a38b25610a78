"""A worker near its boards: it offers them to a scheduler and measures on them; their keys stay with it."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from edgeproof.cluster.engine import CONNECT_SECONDS, resources_of
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import UsageError


def serve_boards(scheduler: str, boards: Sequence[BoardProfile], forks: int, ready: Callable[[], None]) -> None:
    """Serves until the scheduler ends, or it is interrupted. Raises `UsageError` where there is no scheduler."""
    try:
        import distributed
    except ImportError:
        raise UsageError("a worker needs Dask: pip install 'edgeproof[cluster]'") from None

    logging.getLogger("distributed").setLevel(logging.WARNING)  # it tells of every board at its start

    async def serve() -> None:
        worker = distributed.Worker(
            scheduler,
            nthreads=min(forks, len(boards)),
            resources=resources_of(boards),
            death_timeout=CONNECT_SECONDS,
        )
        try:
            await asyncio.wait_for(worker, CONNECT_SECONDS)
        except (OSError, TimeoutError, asyncio.TimeoutError) as error:
            raise UsageError(
                f"no scheduler answers at {scheduler}: {str(error) or type(error).__name__}. Start one: dask scheduler"
            ) from None
        ready()
        await worker.finished()

    asyncio.run(serve())
