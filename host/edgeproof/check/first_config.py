"""Writes a first `[check]` into edgeproof.toml, from the boards and bundles that are there."""

import math
from collections.abc import Sequence
from pathlib import Path

import tomlkit
import tomlkit.items

from edgeproof.bundle import Bundle, open_bundle
from edgeproof.config.editing import add_table, path_for_config
from edgeproof.errors import BundleError, ProfileError
from edgeproof_agent.bundle.manifest import MANIFEST_FILE

_DEPTHS = ("*", "*/*", "*/*/*")
_MARGIN = 1.1


def find_bundles(folder: Path) -> list[Path]:
    """Folders of whole bundles at most three levels below a folder."""
    found = sorted({path.parent for depth in _DEPTHS for path in folder.glob(f"{depth}/{MANIFEST_FILE}")})
    return [path for path in found if _opened(path) is not None]


def write_first_check(path: Path, boards: Sequence[str], bundles: Sequence[Path]) -> None:
    """Adds the table, with gates to begin with. Raises `ProfileError` when there is one, or no bundle to check."""
    opened = [bundle for bundle in map(_opened, bundles) if bundle is not None]
    if not opened:
        raise ProfileError(f"there is no bundle below {path.parent}: export one, or name one with --bundle")
    table = tomlkit.table()
    table.add("bundles", _lines([path_for_config(bundle.path, path) for bundle in opened]))
    if boards:
        table.add("boards", _lines(list(boards)))
    table.add(tomlkit.comment('pictures = ["photos"]  # for parity: the board held against this machine'))
    gates = tomlkit.table()
    gates.add(tomlkit.comment("the whole interval of a figure must be on the right side of its limit"))
    gates.add("total", _lines(["p50 < 100 ms", "p95 < 150 ms"]))
    gates.add("peak_rss", "< 256 MiB")
    gates.add("size", f"< {_rounded_up(max(bundle.size_bytes for bundle in opened) / 1e6)} MB")
    gates.add(tomlkit.comment('parity = "differing <= 1 %"'))
    table.add("gates", gates)
    add_table(path, "check", table)


def _opened(path: Path) -> Bundle | None:
    try:
        return open_bundle(path)
    except BundleError:
        return None


def _rounded_up(megabytes: float) -> str:
    """With a margin, to two digits."""
    wanted = megabytes * _MARGIN
    step = 10.0 ** (math.floor(math.log10(wanted)) - 1)
    return f"{math.ceil(wanted / step) * step:.6g}"


def _lines(items: list[str]) -> tomlkit.items.Array:
    array = tomlkit.array()
    array.extend(items)
    return array.multiline(len(items) > 3)
