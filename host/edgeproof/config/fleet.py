"""`[fleet]` of edgeproof.toml: groups of boards, and the inventories that are read beside `[boards]`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from edgeproof.config.boards import read_config, require_known
from edgeproof.errors import ProfileError

DEFAULT_FORKS = 25


class FleetConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    inventories: tuple[str, ...] = ()
    """Files of Ansible (INI, YAML), folders and programs, from the file's own folder."""
    groups: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Group to whom it has: names, other groups, globs, `tag:NAME`."""
    forks: Annotated[int, msgspec.Meta(ge=1, le=1000)] = DEFAULT_FORKS
    """How many boards are worked on side by side."""


_MEANINGS: Mapping[str, str] = {
    "inventories": "a list of Ansible's inventories: files, folders, programs",
    "groups": "a table, [fleet.groups], of lists of boards",
    "forks": "a whole number from 1 to 1000",
}


def read_fleet(path: Path) -> FleetConfig:
    """`[fleet]` of an edgeproof.toml, or what holds without one. Raises `ProfileError`."""
    fleet = read_config(path).fleet or {}
    require_known(path, "[fleet] ", fleet, tuple(_MEANINGS))
    for key, value in fleet.items():
        try:
            msgspec.convert({key: value}, FleetConfig)
        except msgspec.ValidationError as error:
            raise ProfileError(f"{path} is not right: [fleet] {key} must be {_MEANINGS[key]}") from error
    return msgspec.convert(fleet, FleetConfig)
