"""Works ahead of whoever reads the results: the next items are computed in threads, the results keep their order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def computed_ahead(
    function: Callable[[_Item], _Result], items: Iterable[_Item], *, threads: int, waiting: int
) -> Generator[_Result, None, None]:
    """Yields `function(item)` of each item in order, while up to `waiting` of the next are computed or kept.

    What the function raises is raised where its result would be. When the iterator is closed, or anything is raised,
    calls that have not begun are dropped and the threads have ended.
    """
    pending: deque[Future[_Result]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="computed-ahead")
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > waiting:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
