"""How many threads a model may run with: regular suppression in the graph loses detections with more than one.

`TFLite_Detection_PostProcess` with `use_regular_nms` shares its classes out to the interpreter's threads, and in every
runtime they overwrite each other's results (tensorflow#56058). The number of threads is the whole interpreter's.
"""

import mmap
import struct
from pathlib import Path
from typing import Union

OPERATOR = b"TFLite_Detection_PostProcess"
ONE_THREAD_WORDS = (
    "regular suppression in the graph loses detections with more than one thread: export with --post none, or with "
    "--nms fast, to use all"
)
# Positions of fields in the tables of schema.fbs.
_MODEL_CODES, _MODEL_GRAPHS = 1, 2
_CODE_CUSTOM = 1
_GRAPH_OPERATORS = 3
_OPERATOR_CODE, _OPERATOR_OPTIONS = 0, 5
# FlexBuffers' types (flexbuffers.h) of a map and of what is stored in place.
_MAP, _IN_PLACE = 9, (1, 2, 26)
_WIDTHS = {1: "<B", 2: "<H", 4: "<I", 8: "<Q"}
_REGULAR = b"use_regular_nms\0"
_SEARCH_STEPS = 1_000_000

Data = Union[bytes, mmap.mmap]


def allowed_threads(model: Union[str, bytes], threads: int) -> int:
    """`threads`, or one when the model (the path of a .tflite, or its content) suppresses class by class itself.

    Also one when it has the operator and cannot be read: a slower run is right in any case.
    """
    if threads == 1:
        return 1
    try:
        if isinstance(model, bytes):
            return 1 if _suppresses_by_class(model) else threads
        with Path(model).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return 1 if _suppresses_by_class(data) else threads
    except (OSError, ValueError):  # no file, or an empty one: the runtime has words for that
        return threads


def _suppresses_by_class(data: Data) -> bool:
    try:
        return any(map(_is_regular, _options(data)))
    except (struct.error, KeyError, ValueError, IndexError):
        return data.find(OPERATOR) >= 0


def _options(data: Data) -> "list[bytes]":
    """The custom options of each such operator of the file."""
    model = _number(data, 0)
    codes = [_text(data, field) for field in _codes(data, model)]
    found = []
    steps = 0
    for graph in _vector(data, _field(data, model, _MODEL_GRAPHS)):
        for operator in _vector(data, _field(data, graph + _number(data, graph), _GRAPH_OPERATORS)):
            steps += 1
            if steps > _SEARCH_STEPS:
                raise ValueError("more operators than a file has")
            table = operator + _number(data, operator)
            index = _field(data, table, _OPERATOR_CODE)
            if codes[_number(data, index) if index else 0] == OPERATOR:
                options = _field(data, table, _OPERATOR_OPTIONS)
                found.append(_content(data, options) if options else b"")
    return found


def _codes(data: Data, model: int) -> "list[int]":
    entries = _vector(data, _field(data, model, _MODEL_CODES))
    return [_field(data, entry + _number(data, entry), _CODE_CUSTOM) for entry in entries]


def _is_regular(options: bytes) -> bool:
    """The map's `use_regular_nms`. Absent means fast, as in the operator; what cannot be read raises."""
    if not options:
        return False
    width, packed = options[-1], options[-2]
    if packed >> 2 != _MAP:
        raise ValueError("the options are no map")
    root = len(options) - 2 - width
    values = root - _unsigned(options, root, width)
    size = 1 << (packed & 3)
    count = _unsigned(options, values - size, size)
    keys = values - 3 * size - _unsigned(options, values - 3 * size, size)
    key_size = _unsigned(options, values - 2 * size, size)
    for place in range(count):
        entry = keys + place * key_size
        name = entry - _unsigned(options, entry, key_size)
        if options[name : name + len(_REGULAR)] == _REGULAR:
            if options[values + count * size + place] >> 2 not in _IN_PLACE:
                raise ValueError("use_regular_nms is no flag")
            return _unsigned(options, values + place * size, size) != 0
    return False


def _field(data: Data, table: int, place: int) -> int:
    """Where a table's field is; 0 when it is absent."""
    layout = table - struct.unpack_from("<i", data, table)[0]
    if layout < 0:
        raise ValueError("a table's layout lies ahead of the file")
    size = _unsigned(data, layout, 2)
    entry = 4 + 2 * place
    offset = _unsigned(data, layout + entry, 2) if entry + 2 <= size else 0
    return table + offset if offset else 0


def _vector(data: Data, field: int) -> "range":
    """Where each of its entries is, of four bytes each."""
    if not field:
        return range(0)
    start = field + _number(data, field)
    count = _number(data, start)
    if count > len(data) // 4:
        raise ValueError("a list is longer than the file")
    return range(start + 4, start + 4 + 4 * count, 4)


def _content(data: Data, field: int) -> bytes:
    start = field + _number(data, field)
    count = _number(data, start)
    if start + 4 + count > len(data):
        raise ValueError("a list is longer than the file")
    return data[start + 4 : start + 4 + count]


def _text(data: Data, field: int) -> bytes:
    return _content(data, field) if field else b""


def _number(data: Data, place: int) -> int:
    return _unsigned(data, place, 4)


def _unsigned(data: Union[bytes, mmap.mmap], place: int, width: int) -> int:
    if place < 0:
        raise ValueError("a value lies ahead of the file")
    return int(struct.unpack_from(_WIDTHS[width], data, place)[0])
