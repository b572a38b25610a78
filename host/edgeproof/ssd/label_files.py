"""The label files that users have: one label a line, a pbtxt label map, COCO's categories."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeproof.errors import UsageError
from edgeproof.ssd.protobuf_text import Scalar, TextMessage, parse_protobuf_text

_MAX_BYTES = 32 << 20
_MAX_ID = 100_000
_GIVE = "Give a text file with one label a line, a label map (.pbtxt) or a COCO JSON file with --labels"
_ITEM = re.compile(r"item\s*:?\s*\{")


@dataclass(frozen=True)
class LabelLines:
    """Labels in the order of the classes, perhaps with a first line for the background."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class LabelMap:
    """Labels by the data set's category ids, which may have gaps."""

    names: Mapping[int, str]


def read_label_file(path: Path) -> LabelLines | LabelMap:
    """Tells the kind of file by its content. Raises UsageError when it is none of them."""
    text = _read_text(path)
    if not text.strip():
        raise UsageError(f"{path}: it is empty. {_GIVE}.")
    return parse_labels(text, str(path))


def parse_labels(text: str, path: str) -> LabelLines | LabelMap:
    """The same of a text that came from `path`."""
    if text.lstrip()[:1] == "{" and not _ITEM.match(text.lstrip()):
        return LabelMap(_checked(_coco_categories(text, path), path))
    if path.lower().endswith(".pbtxt") or re.search(rf"^\s*{_ITEM.pattern}", text, re.MULTILINE):
        return LabelMap(_checked(_label_map(text, path), path))
    return LabelLines(tuple(line.strip() for line in text.rstrip().splitlines()))


def _label_map(text: str, path: str) -> list[tuple[int, str]]:
    """object_detection/protos/string_int_label_map.proto: a display_name is for people and goes before the name."""
    try:
        entries = parse_protobuf_text(text, path).fields.get("item", [])
    except UsageError as error:
        raise UsageError(f"{error} {_GIVE}.") from error
    items: list[tuple[int, str]] = []
    for entry in entries:
        number, name = _text(entry, "id"), _text(entry, "display_name") or _text(entry, "name")
        if not number.isdecimal() or not name:
            raise UsageError(f"{path}: item {len(items) + 1} of the label map has no id or no name.")
        items.append((int(number), name))
    return items


def _text(entry: Scalar | TextMessage, name: str) -> str:
    """Empty when the field is not there."""
    values = entry.fields.get(name, []) if isinstance(entry, TextMessage) else []
    return next((value.text for value in values if isinstance(value, Scalar)), "")


def _coco_categories(text: str, path: str) -> list[tuple[int, str]]:
    try:
        data: Any = json.loads(text)
        return [(int(category["id"]), str(category["name"])) for category in data["categories"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise UsageError(f"{path}: it is not COCO's JSON with categories ({reason}). {_GIVE}.") from error


def _checked(items: list[tuple[int, str]], path: str) -> dict[int, str]:
    names = dict(items)
    if not names:
        raise UsageError(f"{path}: it names no class. {_GIVE}.")
    if len(names) != len(items):
        twice = next(number for number, _ in items if [item[0] for item in items].count(number) > 1)
        raise UsageError(f"{path}: the id {twice} is there twice. Give every class an id of its own.")
    if min(names) < 0 or max(names) > _MAX_ID:
        raise UsageError(f"{path}: ids must be between 0 and {_MAX_ID}.")
    return names


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UsageError(f"{path}: {path.stat().st_size} bytes are too many for labels. {_GIVE}.")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}. {_GIVE}.") from error
    except UnicodeDecodeError:
        raise UsageError(f"{path}: it is not UTF-8 text. {_GIVE}.") from None
