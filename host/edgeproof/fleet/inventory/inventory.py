"""All boards that have a name, and their groups: of edgeproof.toml, and of the inventories that it names."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeproof.config.boards import BoardProfile, all_boards
from edgeproof.config.fleet import FleetConfig, read_fleet
from edgeproof.config.trust import require_trusted
from edgeproof.errors import ProfileError
from edgeproof.fleet.inventory.ansible import read_ansible

_REMEDY = "If it is as you left it, take that right away: chmod go-w; or name it with --inventory"


@dataclass(frozen=True)
class Inventory:
    boards: Mapping[str, BoardProfile]
    groups: Mapping[str, Sequence[str]]
    """Group to the words that say whom it has: see `selection`."""

    @property
    def tags(self) -> list[str]:
        return sorted({tag for board in self.boards.values() for tag in board.tags})


def read_inventory(config: Path | None, further: Sequence[Path] = ()) -> Inventory:
    """`config` is an edgeproof.toml, `further` are inventories of Ansible that were named beside it.

    A board of edgeproof.toml counts ahead of one of the same name of an inventory. Raises `ProfileError`.
    """
    boards: dict[str, BoardProfile] = {} if config is None else all_boards(config)
    settings = FleetConfig() if config is None else read_fleet(config)
    groups: dict[str, list[str]] = {name: list(words) for name, words in settings.groups.items()}
    for name, board in boards.items():
        for group in board.groups:
            groups.setdefault(group, []).append(name)
    named_by: dict[str, Path] = {}
    for path in (*_named(config, settings), *further):
        found = read_ansible(path)
        for name, board in found.boards.items():
            if name in named_by and boards[name].target != board.target:
                raise ProfileError(f"{named_by[name]} and {path} both have a board {name}, and mean different ones")
            if name not in boards:
                boards[name] = board
                named_by[name] = path
        for group, members in found.groups.items():
            if group not in ("all", "ungrouped"):
                groups.setdefault(group, []).extend(members)
    return Inventory(boards, groups)


def _named(config: Path | None, settings: FleetConfig) -> Iterator[Path]:
    """Files that decide where a login goes: they have to be the user's as edgeproof.toml has."""
    for name in settings.inventories:
        assert config is not None
        path = config.parent / Path(name).expanduser()
        if not path.exists():
            raise ProfileError(f"{config} is not right: [fleet] inventories names {name}, and there is no such file")
        for place in (path, *(sorted(path.rglob("*")) if path.is_dir() else ())):
            require_trusted(place, _REMEDY)
        yield path
