"""The label files that users have: one label a line, a pbtxt label map, COCO's categories."""

import itertools
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeproof.errors import UsageError
from edgeproof.local_files.bounded_files import read_bounded, readable
from edgeproof.ssd.files.protobuf_text import Scalar, TextMessage, parse_protobuf_text
from edgeproof_agent.bundle.manifest import MAX_LABELS_CHARACTERS

_MAX_BYTES = 32 << 20
_MAX_ID = 100_000
_MAX_LABEL_CHARACTERS = 200
_GIVE = "Give a text file with one label a line, a label map (.pbtxt) or a COCO JSON file with --labels"
_ITEM = re.compile(r"item\s*:?\s*\{")
# Coral's and Teachable Machine's label files, and tables: `0  person`, `0: person`, `0,person`, with or without a head.
_NUMBERED = re.compile(r"(\d{1,6})(?:\s*[:,;]\s*|\s+)(\S.*)")
_HEAD = re.compile(r"(?:id|index|class_?id|number)\s*[,;]\s*(?:name|label|class|display_name)", re.IGNORECASE)
_YAML_NAMES = re.compile(r"^names[ \t]*:[ \t]*(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class LabelLines:
    """Labels in the order of the classes, perhaps with a first line for the background."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class NumberedLabels:
    """Labels by class indices, as they stand beside them. Indices that are left out belong to no class."""

    names: Mapping[int, str]


@dataclass(frozen=True)
class LabelMap:
    """Labels by the data set's category ids, which may have gaps."""

    names: Mapping[int, str]


LabelFile = LabelLines | NumberedLabels | LabelMap


def read_label_file(path: Path) -> LabelFile:
    """Tells the kind of file by its content. Raises UsageError when it is none of them."""
    with readable(path, UsageError, f"{_GIVE}."):
        text = read_bounded(path, _MAX_BYTES).decode("utf-8-sig")
    return parse_labels(text, str(path))


def parse_labels(text: str, path: str) -> LabelFile:
    """The same of a text that came from `path`."""
    if not text.strip():
        raise UsageError(f"{path}: it is empty. {_GIVE}.")
    if text.lstrip()[:1] in ("{", "[") and not _ITEM.match(text.lstrip()):
        return _json_labels(text, path)
    if path.lower().endswith(".pbtxt") or re.search(rf"^\s*{_ITEM.pattern}", text, re.MULTILINE):
        return LabelMap(_checked(_label_map(text, path), path))
    if path.lower().endswith((".yaml", ".yml")) or _YAML_NAMES.search(text):
        return NumberedLabels(_checked(_yaml_names(text, path), path))
    lines = [line.strip() for line in text.rstrip().splitlines()]
    numbered = _numbered(lines[1:] if _HEAD.fullmatch(lines[0]) else lines)
    if numbered is not None:
        return NumberedLabels(_checked(numbered, path))
    return LabelLines(_checked_names(lines, path))


def _numbered(lines: list[str]) -> list[tuple[int, str]] | None:
    """Number and label of each line; None when they are not all numbered, upwards from 0 or 1."""
    matches = [_NUMBERED.fullmatch(line) for line in lines]
    items = [(int(match[1]), match[2].strip("\"'")) for match in matches if match is not None]
    upwards = all(before < after for (before, _), (after, _) in itertools.pairwise(items))
    return items if items and len(items) == len(lines) and upwards and items[0][0] <= 1 else None


def _json_labels(text: str, path: str) -> LabelFile:
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise UsageError(f"{path}: it is not JSON ({reason}). {_GIVE}.") from error
    if isinstance(data, list) and data and all(isinstance(name, str) for name in data):
        return LabelLines(_checked_names(data, path))
    if isinstance(data, dict) and data and all(key.isdecimal() and len(key) < 7 for key in data):
        return NumberedLabels(_checked([(int(key), name) for key, name in data.items()], path))
    return LabelMap(_checked(_coco_categories(data, path), path))


def _yaml_names(text: str, path: str) -> list[tuple[int, str]]:
    """`names:` of a data set's YAML, as Ultralytics writes it: a list, or a map from class index to name, on one line
    or on one a name. Raises UsageError for what is written in another way.
    """
    match = _YAML_NAMES.search(text)
    if match is None:
        raise UsageError(f"{path}: it has no names: of its own. {_GIVE}, or a data set's YAML with names.")
    inline = match[1].partition(" #")[0].strip()
    if inline:
        bare = re.fullmatch(r"\[(.*)\]|\{(.*)\}", inline)
        entries = [part.strip() for part in _outside_quotes(bare[1] or bare[2] or "")] if bare else []
        mapped = inline.startswith("{")
    else:
        following = text[match.end() :].splitlines()[1:]
        lines = (line for line in following if line.strip() and not line.lstrip().startswith("#"))
        block = list(itertools.takewhile(lambda line: line[0] in " \t-", lines))
        entries = [line.strip() for line in block]
        mapped = not all(entry.startswith("- ") for entry in entries)
        entries = entries if mapped else [entry[2:].strip() for entry in entries]
    items: list[tuple[int, str]] = []
    for place, entry in enumerate(entries):
        number, _, name = entry.partition(":") if mapped else (str(place), "", entry)
        name = name.partition(" #")[0].strip()
        if not number.strip().isdecimal() or not name or name[0] in "&*!|>{[%@`":
            raise UsageError(f"{path}: names: is written in a way that is not read here, at {entry!r}. {_GIVE}.")
        items.append((int(number[:6]), name.strip("\"'")))
    if not items:
        raise UsageError(f"{path}: its names: are none that can be read here. {_GIVE}.")
    return items


def _outside_quotes(text: str) -> list[str]:
    """The parts of a text between commas that stand in no quotes."""
    return re.findall(r"""\s*((?:"[^"]*"|'[^']*'|[^,"'])+)""", text)


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


def _coco_categories(data: Any, path: str) -> list[tuple[int, str]]:
    try:
        return [(int(category["id"]), category["name"]) for category in data["categories"]]
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise UsageError(f"{path}: it is not COCO's JSON with categories ({reason}). {_GIVE}.") from error


def _checked(items: list[tuple[int, str]], path: str) -> dict[int, str]:
    names = dict(items)
    if not names:
        raise UsageError(f"{path}: it names no class. {_GIVE}.")
    if len(names) != len(items):
        (twice, _), *_ = Counter(number for number, _ in items).most_common(1)
        raise UsageError(f"{path}: the id {twice} is there twice. Give every class an id of its own.")
    if min(names) < 0 or max(names) > _MAX_ID:
        raise UsageError(f"{path}: ids must be between 0 and {_MAX_ID}.")
    return dict(zip(names, _checked_names(list(names.values()), path, list(names)), strict=True))


def _checked_names(names: list[str], path: str, numbers: list[int] | None = None) -> tuple[str, ...]:
    """Raises UsageError for the first that is no label to show, with its line or its number."""
    for place, name in enumerate(names):
        where = f"line {place + 1}" if numbers is None else f"number {numbers[place]}"
        if not isinstance(name, str) or not name:
            reason = "is empty"
        elif len(name) > _MAX_LABEL_CHARACTERS:
            reason = f"has {len(name)} characters, and a label may have {_MAX_LABEL_CHARACTERS}"
        elif not name.isprintable():
            reason = "holds control characters"
        else:
            continue
        raise UsageError(f"{path}: the label of {where} {reason}. {_GIVE}.")
    characters = sum(map(len, names)) + len(names)
    if characters > MAX_LABELS_CHARACTERS:
        raise UsageError(
            f"{path}: its labels have {characters} characters together, and {MAX_LABELS_CHARACTERS} are the most. "
            "Give shorter labels."
        )
    return tuple(names)
