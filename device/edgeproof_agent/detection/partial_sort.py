"""Sorts as `std::partial_sort` of GNU's C++ library does, ties included, so that equal scores come out in its order."""

import numpy as np


def partial_argsort(values: np.ndarray, count: int) -> np.ndarray:
    """Indices of the `count` largest of `values`, [N], in descending order.

    Where no two that matter are equal, any sort gives this; only otherwise is the library's own way followed. For one
    value the lowest index wins, as in the operator's own search.
    """
    if count == 1:
        return np.array([np.argmax(values)], np.intp)
    order = np.argsort(-values, kind="stable")
    leading = values[order[: count + 1]]
    if (leading[1:] != leading[:-1]).all():
        return order[:count]
    return np.array(_partial_sort(values.tolist(), count), np.intp)


def partial_argsort_rows(values: np.ndarray, count: int) -> np.ndarray:
    """The same of each row of `values`, [R, N]: [R, count]."""
    if count == 1:
        best: np.ndarray = values.argmax(axis=1)
        return best[:, np.newaxis]
    return np.array([partial_argsort(row, count) for row in values], np.intp).reshape(len(values), count)


def _partial_sort(values: list[float], count: int) -> list[int]:
    """A heap with the smallest on top takes every larger value, then is emptied from behind (bits/stl_algo.h)."""
    heap = list(range(count))
    for parent in range((count - 2) // 2, -1, -1):
        _sift(heap, values, parent, count, heap[parent])
    for index in range(count, len(values)):
        if values[index] > values[heap[0]]:
            _sift(heap, values, 0, count, index)
    for last in range(count - 1, 0, -1):
        item, heap[last] = heap[last], heap[0]
        _sift(heap, values, 0, last, item)
    return heap


def _sift(heap: list[int], values: list[float], hole: int, length: int, item: int) -> None:
    """`std::__adjust_heap`: the hole sinks to a leaf along the larger child, then the item rises to its place."""
    top = hole
    child = hole
    while child < (length - 1) // 2:
        child = 2 * (child + 1)
        if values[heap[child]] > values[heap[child - 1]]:
            child -= 1
        heap[hole] = heap[child]
        hole = child
    if length % 2 == 0 and child == (length - 2) // 2:
        child = 2 * (child + 1)
        heap[hole] = heap[child - 1]
        hole = child - 1
    parent = (hole - 1) // 2
    while hole > top and values[heap[parent]] > values[item]:
        heap[hole] = heap[parent]
        hole = parent
        parent = (hole - 1) // 2
    heap[hole] = item
