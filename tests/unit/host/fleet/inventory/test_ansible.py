"""Ansible's inventories. Ansible itself is the witness."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgeproof.errors import ProfileError, UsageError
from edgeproof.fleet.inventory.ansible import PROGRAM, read_ansible
from edgeproof.fleet.inventory.ansible_hosts import AnsibleHosts, expand
from edgeproof.fleet.inventory.ansible_ini import read_ini
from edgeproof.fleet.inventory.ansible_yaml import read_listed, read_yaml

INI = """
# hosts ahead of any group
lonely ansible_host=10.0.0.9
desk:2222   ansible_user=root

[kitchens]
kitchen[01:03] ansible_user=pi edgeproof_tags="pi5, hot" # a remark
kitchen-[a:c].lab ansible_host='10.0.1.7'

[halls]
hall[2:8:3]

[kitchens:vars]
ansible_port=2201
colour = "blue"
level=2

[halls:vars]
ansible_user = hallway
level = 3

[site_a:children]
kitchens
halls

[site_a:vars]
ansible_user=site
level=1
ansible_python_interpreter=/usr/bin/python3.11

[other:children]
halls

[other:vars]
ansible_python_interpreter=/opt/python
[all:vars]
ansible_ssh_private_key_file=~/.ssh/lab
"""

YAML = """
all:
  vars: {ansible_user: everyone, n: 1}
  hosts:
    lonely: {ansible_host: 10.0.0.9}
  children:
    kitchens:
      hosts:
        kitchen[01:03]: {ansible_port: 2201}
        bare:
      vars: {ansible_user: cook, n: 2}
    halls:
      children:
        upper:
          hosts: {hall1: {n: 4}, kitchen02: }
          vars: {ansible_user: up}
      vars: {n: 3, ansible_group_priority: 5}
outside:
  hosts:
    out1:
    hall1:
  vars: {ansible_user: zed}
"""


def asked_of_ansible(path: Path) -> AnsibleHosts:
    program = shutil.which(PROGRAM, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("ansible-core is not installed (pip install ansible-core): inventories are not held against it")
    command = [program, "--inventory", str(path), "--list"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "HOME": str(path.parent)})
    assert done.returncode == 0, done.stderr
    return read_listed(done.stdout)


@pytest.mark.parametrize(("name", "text"), [("hosts", INI), ("hosts.yml", YAML)])
def test_an_inventory_means_what_ansible_takes_it_for(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    ours, theirs = (read_ini(text) if name == "hosts" else read_yaml(text.encode())), asked_of_ansible(path)
    told = {
        host: {k: v for k, v in found.items() if k != "ansible_group_priority"}
        for host, found in ours.variables.items()
    }
    assert told == {host: dict(found) for host, found in theirs.variables.items()}
    groups = {group: set(hosts) for group, hosts in ours.groups.items() if group != "ungrouped"}
    assert groups == {group: set(hosts) for group, hosts in theirs.groups.items() if group != "ungrouped"}


def test_hosts_become_boards(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text(INI)
    found = read_ansible(path)
    board = found.boards["kitchen02"]
    assert (board.target, board.python, board.tags) == ("pi@kitchen02:2201", "/usr/bin/python3.11", ("pi5", "hot"))
    assert found.boards["desk"].target == "root@desk:2222"
    assert found.boards["kitchen-b.lab"].host == "10.0.1.7"
    assert found.boards["hall5"].python == "/usr/bin/python3.11"  # site_a comes after other
    assert board.identity_file == str(Path("~/.ssh/lab").expanduser())
    assert found.groups["site_a"] == [
        *(f"kitchen0{n}" for n in (1, 2, 3)),
        *(f"kitchen-{c}.lab" for c in "abc"),
        "hall2",
        "hall5",
        "hall8",
    ]


def test_what_is_not_reached_by_ssh_is_no_board(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text(
        "[a]\nhere ansible_connection=local\npi ansible_connection=ssh ansible_python_interpreter=auto_silent\n"
    )
    found = read_ansible(path)
    assert list(found.boards) == ["pi"]
    assert found.groups["a"] == ["pi"]
    assert found.boards["pi"].python == "python3"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x;touch", "is not the name of a host"),
        ("pi ansible_host='$(reboot)'", "is not the name of a host"),
        ("pi ansible_host=-oProxyCommand=x", "is not the name of a host"),
        ("pi ansible_user='-l root'", "is not the name of a user"),
        ("pi ansible_user='`id`'", "is not the name of a user"),
        ("pi ansible_port=99999", "port must be a whole number from 1 to 65535"),
        ("pi ansible_port=ssh", "port must be a whole number"),
        ("pi ansible_ssh_common_args='-o ProxyCommand=x'", "say it of that host in ~/.ssh/config"),
        ("a,b ansible_host=pi", "no commas"),
        ("@b ansible_host=pi", "does not begin with"),
        ("pi edgeproof_store=relative", "store must be"),
        ("pi nonsense", "line 1: 'nonsense' is no NAME=VALUE"),
        ("\n[a:things]\n", r"line 2: [a:things] is neither"),
        ("[a:children]\nb\n[b:children]\na\n", "children of each other"),
        ("pi[1:", "is no range"),
        ("pi[9:1]", "is no range"),
        ("pi[1:9999999]", "stands for more than 100000 hosts"),
        ("pi[1:999][1:999]", "stands for more than 100000 hosts"),
        ("pi x='", "is not understood"),
        ("[a:vars]\nansible_group_priority=high\n[a]\npi\n", "no whole number"),
    ],
)
def test_what_is_wrong_with_an_inventory_is_said_and_nobody_is_asked(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "hosts"
    path.write_text(text)
    with pytest.raises(ProfileError) as caught:
        read_ansible(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a", "it is no table of groups"),
        ("all: [a]", "the group all is no table"),
        ("all: {host: {a: }}", "has 'host'"),
        ("all: {hosts: [a, b]}", "hosts of the group all is no table"),
        ("all: {hosts: {a: 1}}", "the variables of a are no table"),
        ("all: {hosts: {a: {ansible_host: '$x'}}}", "is not the name of a host"),
        ("a: [", "it is broken"),
        ("a: !!python/object/apply:os.system [true]", "it is broken"),
    ],
)
def test_a_broken_yaml_is_told(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "hosts.yml"
    path.write_text(text)
    with pytest.raises(ProfileError, match="hosts.yml") as caught:
        read_ansible(path)
    assert words in str(caught.value)


@pytest.fixture
def ansible_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in its place: what is handed to it, and what is made of its answer."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / PROGRAM
    program.write_text(
        '#!/bin/sh\necho "$@" > "$0.asked"\ncat "$0.answer"\n[ ! -e "$0.fails" ] || { echo no plugin >&2; exit 5; }\n'
    )
    program.chmod(0o755)
    (folder / f"{PROGRAM}.answer").write_text(
        '{"_meta": {"hostvars": {"pi": {"ansible_user": "cook"}}}, "all": {"children": ["g"]}, "g": {"hosts": ["pi"]}}'
    )
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return program


@pytest.mark.parametrize("kind", ["folder", "program", "variables beside", "templates", "secrets", "plugin"])
def test_what_ansible_alone_can_read_is_left_to_it(tmp_path: Path, ansible_program: Path, kind: str) -> None:
    path = make_difficult(tmp_path, kind)
    found = read_ansible(path)
    assert found.boards["pi"].target == "cook@pi"
    assert found.groups["g"] == ["pi"]
    assert str(path) in ansible_program.with_name(f"{PROGRAM}.asked").read_text()
    ansible_program.with_name(f"{PROGRAM}.fails").touch()
    with pytest.raises(ProfileError, match="ansible-inventory says: no plugin"):
        read_ansible(path)


@pytest.mark.parametrize("kind", ["folder", "program", "variables beside", "templates", "secrets", "plugin"])
def test_without_ansible_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ProfileError, match="pip install ansible-core"):
        read_ansible(make_difficult(tmp_path, kind))


def make_difficult(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / ("inventory.yml" if kind in ("secrets", "plugin") else "inventory")
    texts = {
        "templates": "pi ansible_user='{{ user }}'\n",
        "secrets": "all: {hosts: {pi: {ansible_password: !vault abc}}}\n",
        "plugin": "plugin: community.general.nmap\n",
    }
    if kind == "folder":
        path.mkdir()
        return path
    path.write_text(texts.get(kind, "pi\n"))
    if kind == "program":
        path.chmod(0o755)
    if kind == "variables beside":
        (tmp_path / "group_vars").mkdir()
    return path


def test_ranges_are_those_of_ansible() -> None:
    assert expand("k[08:11]") == ["k08", "k09", "k10", "k11"]
    assert expand("k[8:11]") == ["k8", "k9", "k10", "k11"]
    assert expand("[a:c]x[1:2]") == ["ax1", "ax2", "bx1", "bx2", "cx1", "cx2"]
    assert expand("plain") == ["plain"]


def test_yaml_without_its_reader_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    path = tmp_path / "a.yml"
    path.write_text("all: {}")
    with pytest.raises((ProfileError, UsageError), match=r"pip install 'edgeproof\[fleet\]'"):
        read_ansible(path)
