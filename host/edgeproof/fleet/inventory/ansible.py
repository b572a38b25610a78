"""Ansible's inventories as boards and groups: plain ones are read here, others by `ansible-inventory`."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeproof.config.boards import BoardProfile, board_of
from edgeproof.errors import EdgeproofError, ProfileError
from edgeproof.fleet.inventory.ansible_hosts import AnsibleHosts, NotUnderstoodError
from edgeproof.fleet.inventory.ansible_ini import read_ini
from edgeproof.fleet.inventory.ansible_yaml import read_listed, read_yaml
from edgeproof.local_files.bounded_files import MIB, read_bounded, readable
from edgeproof.wording.printable import printable, printable_line

PROGRAM = "ansible-inventory"
_MAX_BYTES = 16 * MIB
_PROGRAM_SECONDS = 120.0
_YAML = (".yml", ".yaml", ".json")
_VARIABLE_FOLDERS = ("group_vars", "host_vars")
_BY_SSH = ("ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh", "ansible.builtin.paramiko_ssh")
_NAME = re.compile(r"[^-@\s,\x00-\x1f\x7f][^\s,\x00-\x1f\x7f]*")
_OTHER_WAYS = ("ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_ssh_proxy_command")
# Ansible's variable, the ones before it, and what they say of a board.
_VARIABLES = (
    ("host", ("ansible_host", "ansible_ssh_host")),
    ("port", ("ansible_port", "ansible_ssh_port")),
    ("user", ("ansible_user", "ansible_ssh_user")),
    ("identity_file", ("ansible_private_key_file", "ansible_ssh_private_key_file")),
    ("python", ("ansible_python_interpreter",)),
    *((name, (f"edgeproof_{name}",)) for name in ("known_hosts", "store", "runtime", "require_signature", "tags")),
)


class UnreadableInventoryError(ProfileError):
    """Bytes that are no inventory at all."""


@dataclass(frozen=True)
class AnsibleInventory:
    boards: Mapping[str, BoardProfile]
    groups: Mapping[str, Sequence[str]]


def read_ansible(path: Path) -> AnsibleInventory:
    """A file in INI or YAML, or what `ansible-inventory` makes of a folder, a program and what needs Ansible.

    Hosts that are reached otherwise than by SSH are left out. Raises `ProfileError`.
    """
    if not path.exists():
        raise ProfileError(f"there is no inventory {path}")
    try:
        hosts = _read(path)
        boards = dict(_boards(hosts, path.parent))
    except NotUnderstoodError as error:
        raise ProfileError(
            f"{path} needs {PROGRAM}, which is not installed: {error}. pip install ansible-core"
        ) from error
    except UnreadableInventoryError:
        raise
    except EdgeproofError as error:
        raise ProfileError(f"{path} is not right: {error}") from error
    groups = {name: [host for host in members if host in boards] for name, members in hosts.groups.items()}
    return AnsibleInventory(boards, groups)


def _read(path: Path) -> AnsibleHosts:
    try:
        hosts = _read_here(path)
        for host, variables in hosts.variables.items():
            if any("{{" in str(value) for name, value in variables.items() if _is_ours(name)):
                raise NotUnderstoodError(f"variables of {printable(host)} are templates")
        return hosts
    except NotUnderstoodError:
        if shutil.which(PROGRAM) is None:
            raise
    return _read_by_program(path)


def _read_here(path: Path) -> AnsibleHosts:
    if path.is_dir():
        raise NotUnderstoodError("it is a folder")
    if os.access(path, os.X_OK):
        raise NotUnderstoodError("it is a program")
    for folder in _VARIABLE_FOLDERS:
        if (path.parent / folder).is_dir():
            raise NotUnderstoodError(f"there is a folder {folder} beside it")
    with readable(path, UnreadableInventoryError):
        data = read_bounded(path, _MAX_BYTES)
        return read_yaml(data) if path.suffix in _YAML else read_ini(data.decode())


def _read_by_program(path: Path) -> AnsibleHosts:
    command = [PROGRAM, "--inventory", str(path), "--list"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PROGRAM_SECONDS, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise ProfileError(f"{PROGRAM} has not answered in {_PROGRAM_SECONDS:.0f} s") from None
    if done.returncode:
        raise ProfileError(f"{PROGRAM} says: {printable_line(done.stderr.decode(errors='replace'))}")
    with readable(path, UnreadableInventoryError):
        return read_listed(done.stdout.decode())


def _is_ours(variable: str) -> bool:
    return variable == "ansible_connection" or any(variable in names for _, names in _VARIABLES)


def _boards(hosts: AnsibleHosts, folder: Path) -> Iterator[tuple[str, BoardProfile]]:
    for name, variables in hosts.variables.items():
        if variables.get("ansible_connection", "ssh") not in _BY_SSH:
            continue
        try:
            if not _NAME.fullmatch(name):
                raise ProfileError("a board's name has no spaces and no commas, and does not begin with - or @")
            for other in _OTHER_WAYS:
                if variables.get(other):
                    raise ProfileError(f"{other} is not followed: say it of that host in ~/.ssh/config")
            yield name, board_of(_fields(name, variables), name, folder)
        except ProfileError as error:
            raise ProfileError(f"host {printable(name)}: {error}") from error


def _fields(name: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {"host": name}
    for field, names in _VARIABLES:
        given = next((variables[variable] for variable in names if variables.get(variable) is not None), None)
        if given is not None:
            fields[field] = given
    if isinstance(fields.get("port"), str) and fields["port"].isdecimal():
        fields["port"] = int(fields["port"])
    if isinstance(fields.get("tags"), str):
        fields["tags"] = [tag for tag in fields["tags"].replace(",", " ").split() if tag]
    if str(fields.get("python", "")).startswith("auto"):  # Ansible looks for one; so does `python3`
        del fields["python"]
    if ":" in str(fields["host"]):  # `host:port` is no board's name; an IPv6 address is
        fields["host"] = f"[{fields['host']}]"
    return fields
