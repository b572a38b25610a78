"""Has cells measured by the workers of a Dask cluster, each by one that offers the cell's board."""

import contextlib
import fnmatch
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from edgeproof.cluster.task import CellResult, CellTask, carry_out
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import UsageError
from edgeproof.fleet.inventory.selection import ALL

if TYPE_CHECKING:
    from edgeproof.check.cell import Cell

RESOURCE = "board:"
"""What a worker offers for each of its boards, one of it: so no two cells are measured on a board at a time."""
CONNECT_SECONDS = 20.0
_LOOK_SECONDS = 2.0


@contextlib.contextmanager
def cluster(on: str, boards: Sequence[BoardProfile] = ()) -> Iterator[Any]:
    """A client of `tcp://scheduler:8786` (or tls://), or of `local:N`: N workers of this machine, which share `boards`.

    Raises `UsageError` where Dask is not installed, or the scheduler does not answer.
    """
    try:
        import distributed
    except ImportError:
        raise UsageError("--on needs Dask: pip install 'edgeproof[cluster]'") from None
    if on.startswith("local:"):
        with _local(distributed, on, boards) as client:
            yield client
        return
    if not on.startswith(("tcp://", "tls://")):
        raise UsageError(f"--on takes tcp://SCHEDULER:PORT, tls://SCHEDULER:PORT or local:N, not {on!r}")
    try:
        client = distributed.Client(on, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise UsageError(
            f"no scheduler answers at {on}: {error or type(error).__name__}. Start one: dask scheduler"
        ) from None
    with client:
        yield client


@contextlib.contextmanager
def _local(distributed: Any, on: str, boards: Sequence[BoardProfile]) -> Iterator[Any]:
    count = on.removeprefix("local:")
    if not count.isdecimal() or not 0 < int(count) <= 256:
        raise UsageError(f"local:N takes a number of workers from 1 to 256, not {count!r}")
    spec = {
        number: {
            "cls": distributed.Nanny,
            "options": {
                "nthreads": max(1, len(boards[number :: int(count)])),
                "resources": resources_of(boards[number :: int(count)]),
            },
        }
        for number in range(int(count))
    }
    scheduler = {"cls": distributed.Scheduler, "options": {"dashboard": False, "host": "127.0.0.1", "port": 0}}
    with (
        distributed.SpecCluster(workers=spec, scheduler=scheduler) as made,
        distributed.Client(made, set_as_default=False) as client,
    ):
        yield client


def resources_of(boards: Sequence[BoardProfile]) -> dict[str, float]:
    return {f"{RESOURCE}{board.name}": 1.0 for board in boards}


def offered_boards(client: Any, words: Sequence[str]) -> tuple[BoardProfile, ...]:
    """The boards of the cluster's workers that names and globs mean. Raises `UsageError`."""
    offered = sorted(_offered(client))
    chosen: dict[str, None] = {}
    for word in words or (ALL,):
        found = [name for name in offered if word in (ALL, name) or fnmatch.fnmatchcase(name, word)]
        if not found:
            raise UsageError(
                f"no worker of the cluster offers a board {word!r}. There are: {', '.join(offered) or 'none'}. "
                "Start a worker near it: edgeproof worker SCHEDULER --boards ..."
            )
        chosen |= dict.fromkeys(found)
    return tuple(BoardProfile(host=name, name=name) for name in chosen)


def results(client: Any, cells: "Sequence[Cell]", lost_seconds: float) -> Iterator[tuple[int, CellResult]]:
    """Number of a cell and its result, as they come; each cell once.

    A worker that is lost has its cells measured by another that offers the same board, or by itself when it is back. A
    cell whose board nobody offers for `lost_seconds` is given up: `UsageError` for it alone would lose the others, so
    it is a result with words.
    """
    from edgeproof.fleet.reasons import Reason

    futures: dict[str, tuple[int, Any]] = {}
    for number, cell in enumerate(cells):
        task = CellTask.of(cell)
        future = client.submit(
            carry_out, task, key=f"{task.key}-{number}", resources={f"{RESOURCE}{cell.board.name}": 1}, pure=False
        )
        futures[future.key] = (number, future)
    missing_since: dict[str, float] = {}
    while futures:
        done = [key for key, (_, future) in futures.items() if future.done()]
        for key in done:
            number, future = futures.pop(key)
            error = future.exception()
            if error is None:
                yield number, future.result()
            else:
                yield number, CellResult(None, Reason.CUT, f"the worker was lost: {error}")
        offered = _offered(client)
        for key, (number, future) in list(futures.items()):
            board = cells[number].board.name
            since = missing_since.setdefault(key, time.monotonic()) if board not in offered else None
            if since is None:
                missing_since.pop(key, None)
            elif time.monotonic() - since > lost_seconds:
                future.cancel()
                futures.pop(key)
                words = f"no worker has offered {board} for {lost_seconds:.0f} s"
                yield number, CellResult(None, Reason.UNREACHABLE, words)
        if futures and not done:
            _wait(client, [future for _, future in futures.values()])


def _wait(client: Any, futures: list[Any]) -> None:
    import distributed

    with contextlib.suppress(TimeoutError), client.as_current():
        distributed.wait(futures, timeout=_LOOK_SECONDS, return_when="FIRST_COMPLETED")


def _offered(client: Any) -> set[str]:
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return {
        name.removeprefix(RESOURCE) for worker in workers for name in worker["resources"] if name.startswith(RESOURCE)
    }
