"""Changes valid input into what a broken disk, a careless hand or a stranger makes of it, the same for a seed."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

_NUMBERS = [
    0,
    1,
    -1,
    2,
    127,
    255,
    2**31,
    2**32 - 1,
    2**53,
    2**63,
    10**400,
    0.5,
    -0.0,
    1e308,
    float("inf"),
    float("nan"),
]
_TEXTS = [
    "",
    "\0",
    "../x",
    "/etc/passwd",
    "~nobody/",
    "\x1b]0;x\x07",
    "x" * 5000,
    "\ud800",
    "²",
    "NaN",
    "1e999",
    "a" * 64,
]
_BYTES = [
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\n",
    b"{",
    b"[",
    b'"',
    b"\x00\x00\x00\x80",
    b"\xff\xff\xff\x7f",
    b"\xff" * 4,
]
_MOST_GROWN = 1 << 16
_MOST_ITEMS = 1000

Mutate = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


def mutate_bytes(chance: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """A few places changed, cut out, doubled, or taken from another seed."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
        place = chance.randrange(len(changed) + 1)
        length = min(chance.choice((1, 2, 4, 8, 64, 1024)), len(changed) - place)
        match chance.randrange(7):
            case 0 if length:
                changed[place] ^= 1 << chance.randrange(8)
            case 1:
                part = chance.choice(_BYTES)
                changed[place : place + len(part)] = part
            case 2:
                del changed[place : place + length]
            case 3 if len(changed) < _MOST_GROWN:
                changed[place:place] = changed[place : place + length] * chance.choice((1, 2, 50))
            case 4:
                del changed[place:]
            case 5:
                other = chance.choice(seeds)
                start = chance.randrange(len(other) + 1)
                changed[place : place + length] = other[start : start + length]
            case _:
                changed[place : place + length] = chance.randbytes(length)
    return bytes(changed)


def mutate_json(chance: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """One value of the document is another, or the text itself is broken."""
    if chance.random() < 0.2:
        return mutate_bytes(chance, data, seeds)
    document = json.loads(data)
    for _ in range(chance.choice((1, 1, 2, 3))):
        document = _changed(chance, document)
    text = json.dumps(document).encode("utf-8", "surrogatepass")
    return text if len(text) <= _MOST_GROWN else mutate_bytes(chance, data, seeds)


def _changed(chance: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and chance.random() < 0.85:
        key = chance.choice(list(value))
        changed = dict(value)
        if chance.random() < 0.1:
            del changed[key]
        elif chance.random() < 0.1:
            changed[chance.choice(_TEXTS)] = value[key]
        else:
            changed[key] = _changed(chance, value[key])
        return changed
    if isinstance(value, list) and value and chance.random() < 0.85:
        place = chance.randrange(len(value))
        changed_list = list(value)
        if chance.random() < 0.1:
            changed_list = (changed_list * chance.choice((0, 2, 300)))[:_MOST_ITEMS]
        else:
            changed_list[place] = _changed(chance, value[place])
        return changed_list
    return _anything(chance)


def _anything(chance: random.Random) -> Any:
    match chance.randrange(8):
        case 0 | 1 | 2:
            return chance.choice(_NUMBERS)
        case 3 | 4:
            return chance.choice(_TEXTS)
        case 5:
            return chance.choice((None, True, False, [], {}))
        case 6:
            nested: Any = 0
            for _ in range(chance.choice((3, 200))):
                nested = [nested]
            return nested
        case _:
            return {chance.choice(_TEXTS): chance.choice(_NUMBERS)}
