"""Working ahead: the order is kept, the queue is bounded, what is raised passes, and no thread is left."""

import threading
from collections.abc import Iterator

import pytest

from edgeproof.convert.calibration.prefetch import computed_ahead


def threads_left() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("computed-ahead")]


def test_results_come_in_the_order_of_the_items() -> None:
    second_is_done = threading.Event()

    def late_first(item: int) -> int:
        if item == 0:
            assert second_is_done.wait(60)
        elif item == 1:
            second_is_done.set()
        return item * item

    assert list(computed_ahead(late_first, range(50), threads=2, waiting=4)) == [item * item for item in range(50)]
    assert threads_left() == []


def test_the_next_item_is_computed_while_a_result_is_used() -> None:
    begun = [threading.Event() for _ in range(6)]
    results = computed_ahead(lambda item: begun[item].set(), range(6), threads=2, waiting=2)
    next(results)
    assert begun[1].wait(60)
    assert begun[2].wait(60)
    results.close()


def test_no_more_items_are_taken_than_may_wait() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    results = computed_ahead(lambda item: item, items(), threads=2, waiting=3)
    assert taken == []
    assert next(results) == 0
    assert taken == [0, 1, 2, 3]
    results.close()


def test_closing_early_drops_the_rest_and_ends_the_threads() -> None:
    computed: list[int] = []
    results = computed_ahead(computed.append, range(1000), threads=2, waiting=4)
    next(results)
    results.close()
    assert len(computed) <= 5
    assert threads_left() == []


@pytest.mark.parametrize("raised", [MemoryError, KeyboardInterrupt])
def test_what_the_function_raises_comes_where_its_result_would_be(raised: type[BaseException]) -> None:
    def third_fails(item: int) -> int:
        if item == 2:
            raise raised
        return item

    results = computed_ahead(third_fails, range(10), threads=2, waiting=4)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(raised):
        next(results)
    assert threads_left() == []


def test_what_the_items_raise_passes_too() -> None:
    def items() -> Iterator[int]:
        yield 0
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        list(computed_ahead(lambda item: item, items(), threads=2, waiting=4))
    assert threads_left() == []


def test_nothing_to_compute_gives_nothing() -> None:
    assert list(computed_ahead(lambda item: item, [], threads=2, waiting=4)) == []
