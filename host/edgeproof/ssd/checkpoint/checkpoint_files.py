"""Finds what belongs to an Object Detection API checkpoint: pipeline.config, the newest ckpt-N, its shards."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from edgeproof.errors import NotAnSsdError
from edgeproof.local_files.digests import sha256_of_file
from edgeproof.ssd.checkpoint.label_map import find_label_map

CONFIG_FILE = "pipeline.config"
STATE_FILE = "checkpoint"
"""Beside the checkpoints, it names the newest. A model-zoo folder has a folder of the same name."""
_INDEX = ".index"
_PART = re.compile(r"(?P<stem>.+)\.(?:index|data-\d{5}-of-\d{5})")
_STATED_NEWEST = re.compile(r'^\s*model_checkpoint_path\s*:\s*"((?:[^"\\]|\\.)*)"', re.MULTILINE)
_MAX_STATE_BYTES = 1 << 20


@dataclass(frozen=True)
class CheckpointFiles:
    config: Path
    prefix: Path
    """What TensorFlow calls a checkpoint: the path of its index without `.index`."""
    shards: tuple[Path, ...]
    others: int
    """Older checkpoints beside it."""

    @property
    def index(self) -> Path:
        return self.prefix.with_name(self.prefix.name + _INDEX)


def is_checkpoint_path(path: Path) -> bool:
    """Whether it is a checkpoint's prefix or part, a pipeline.config, or a folder of either. Never raises."""
    if path.is_dir():
        return any((path / name).exists() for name in (CONFIG_FILE, STATE_FILE)) or any(path.glob(f"*{_INDEX}"))
    name = path.name
    return path.suffix == ".config" or name == STATE_FILE or _PART.fullmatch(name) is not None or is_prefix(path)


def is_prefix(path: Path) -> bool:
    """Whether it is the common beginning of a checkpoint's files, and no file itself."""
    return path.with_name(path.name + _INDEX).is_file() if path.name else False


def find_checkpoint_files(path: Path) -> CheckpointFiles:
    """Raises NotAnSsdError saying which of the files is missing, and where it was looked for."""
    config_given = path.suffix == ".config" and path.is_file()
    folder = path if path.is_dir() else path.parent
    config = path if config_given else _find_config(folder, path)
    part = _PART.fullmatch(path.name)
    if not path.is_dir() and (part is not None or is_prefix(path)):
        prefix, others = path.with_name(part["stem"]) if part else path, 0
        if not is_prefix(prefix):
            raise NotAnSsdError(
                f"{path}: {prefix.name}{_INDEX} is not beside it. Copy the checkpoint with all its files."
            )
    else:
        prefix, others = _newest(folder, path)
    return CheckpointFiles(config, prefix, _shards(prefix), others)


def digest_checkpoint(path: Path) -> str:
    """SHA-256 over pipeline.config, its label map, index and shards, each by a name and its SHA-256.

    Raises NotAnSsdError.
    """
    files = find_checkpoint_files(path)
    label_map = find_label_map(files.config)
    parts = [(CONFIG_FILE, files.config), *((file.name, file) for file in (files.index, *files.shards))]
    digest = hashlib.sha256()
    for name, file in [*parts, *([("label_map", label_map)] if label_map else [])]:
        digest.update(name.encode() + b"\0" + bytes.fromhex(sha256_of_file(file)))
    return digest.hexdigest()


def _find_config(folder: Path, path: Path) -> Path:
    for place in (folder, folder.absolute().parent):
        if (place / CONFIG_FILE).is_file():
            return place / CONFIG_FILE
    raise NotAnSsdError(
        f"{path}: it is a checkpoint, but {CONFIG_FILE} is neither in {folder} nor above it, and it describes the "
        "network. Copy it there from the model's folder or from the training."
    )


def _newest(folder: Path, path: Path) -> tuple[Path, int]:
    places = [folder, folder / STATE_FILE]
    for place in places:
        names = [file.name.removesuffix(_INDEX) for file in place.glob(f"*{_INDEX}")]
        if names:
            stated = _stated_newest(place / STATE_FILE)
            newest = stated if stated in names else max(names, key=_number)
            return place / newest, len(names) - 1
    raise NotAnSsdError(
        f"{path}: there is no checkpoint (ckpt-N{_INDEX} and ckpt-N.data-...) in {' or '.join(map(str, places))}. "
        f"Copy it beside {CONFIG_FILE}, or give the path of the checkpoint."
    )


def _stated_newest(state: Path) -> str | None:
    """The name alone: the folder may have moved since the training."""
    if not state.is_file() or state.stat().st_size > _MAX_STATE_BYTES:
        return None
    found = _STATED_NEWEST.search(state.read_text("utf-8", errors="replace"))
    return re.split(r"[\\/]", found[1])[-1] if found else None


def _number(name: str) -> tuple[int, str]:
    found = re.search(r"(\d{1,18})$", name)
    return int(found[1]) if found else -1, name


def _shards(prefix: Path) -> tuple[Path, ...]:
    found: dict[int, dict[int, Path]] = {}
    for file in sorted(prefix.parent.glob("*.data-*-of-*")):
        match = re.fullmatch(r"\.data-(\d{5})-of-(\d{5})", file.name.removeprefix(prefix.name))
        if match and file.name.startswith(prefix.name):
            found.setdefault(int(match[2]), {})[int(match[1])] = file
    whole = [shards for count, shards in found.items() if sorted(shards) == list(range(count))]
    if len(whole) != 1:
        there = ", ".join(file.name for shards in found.values() for file in shards.values()) or "none"
        raise NotAnSsdError(
            f"{prefix}: its data is not whole: of {prefix.name}.data-00000-of-0000N, all N belong to it, and {there} "
            "is there. Copy the checkpoint with all its files."
        )
    return tuple(whole[0].values())
