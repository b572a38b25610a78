"""Which boards a word means."""

from pathlib import Path

import pytest

from edgeproof.errors import ProfileError, UsageError
from edgeproof.fleet.inventory.selection import Selection

CONFIG = """
[fleet]
inventories = ["hosts"]
groups = { wet = ["kitchens", "tag:bath"], loop = ["loop2"], loop2 = ["group:loop"] }
[boards.desk]
host = "pi@10.0.0.1"
tags = ["pi5"]
[boards.hall]
host = "pi@10.0.0.2"
groups = ["dry"]
tags = ["pi4", "bath"]
["boards"."two, words"]
host = "pi@10.0.0.3"
"""
HOSTS = "[kitchens]\nkitchen[1:3] ansible_user=pi edgeproof_tags=pi5\n[desk]\nkitchen1\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "hosts").write_text(HOSTS)
    (tmp_path / "edgeproof.toml").write_text(CONFIG)
    return tmp_path / "edgeproof.toml"


def names(config: Path | None, *words: str, limit: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> list[str]:
    return [board.name for board in Selection(config).choose(words, limit, exclude).boards]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("desk", ["desk"]),
        ("group:desk", ["kitchen1"]),
        ("kitchens", ["kitchen1", "kitchen2", "kitchen3"]),
        ("dry", ["hall"]),
        ("wet", ["kitchen1", "kitchen2", "kitchen3", "hall"]),
        ("tag:pi5", ["desk", "kitchen1", "kitchen2", "kitchen3"]),
        ("tag:pi*", ["desk", "hall", "kitchen1", "kitchen2", "kitchen3"]),
        ("kitchen[12]", ["kitchen1", "kitchen2"]),
        ("k*3,desk, hall", ["kitchen3", "desk", "hall"]),
        ("all", ["desk", "hall", "two, words", "kitchen1", "kitchen2", "kitchen3"]),
        ("two, words", ["two, words"]),
        ("root@elsewhere:22", ["root@elsewhere:22"]),
        ("desk,root@elsewhere", ["desk", "root@elsewhere"]),
    ],
)
def test_a_word_means_boards(config: Path, word: str, expected: list[str]) -> None:
    assert names(config, word) == expected


def test_a_name_alone_is_one_board_and_reads_no_inventory(config: Path) -> None:
    (config.parent / "hosts").write_text("x;y")
    assert not Selection(config).choose(["desk"]).many
    assert not Selection(config).choose(["pi@somewhere"]).many
    with pytest.raises(ProfileError, match="is not the name of a host"):
        Selection(config).choose(["kitchens"])


def test_a_group_of_one_is_many(config: Path) -> None:
    assert Selection(config).choose(["dry"]).many
    assert Selection(config).choose(["desk", "hall"]).many


def test_limit_and_exclude_take_away(config: Path) -> None:
    assert names(config, "all", limit=("tag:pi5",), exclude=("kitchen2", "desk")) == ["kitchen1", "kitchen3"]
    assert names(config, "desk", exclude=("hall",)) == ["desk"]
    with pytest.raises(UsageError, match="--limit and --exclude leave none of 3 boards"):
        names(config, "kitchens", limit=("desk",), exclude=("hall",))


def test_a_file_names_boards_and_what_else_words_name(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "retry.txt"
    file.write_text("# of push\nkitchen2  # unreachable\n\ntwo, words\ntag:bath\n")
    assert names(config, f"@{file}") == ["kitchen2", "two, words", "hall"]
    file.write_text(f"@{file}")
    with pytest.raises(ProfileError, match="round in a circle"):
        names(config, f"@{file}")
    with pytest.raises(ProfileError, match="there is no such file"):
        names(config, "@nowhere.txt")


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("nobody", "no board is called 'nobody'"),
        ("nobody", "Groups: desk, dry, kitchens, loop, loop2, wet. Tags: bath, pi4, pi5."),
        ("tag:none", "no board answers to 'tag:none'"),
        ("x*", "no board answers to 'x*'"),
        ("group:none", "there is no group 'none'"),
        ("loop", "leads round in a circle"),
        ("pi@$(x)", "is not the name of a host"),
        ("desk,-x@pi", "is not the name of a user"),
    ],
)
def test_a_word_that_means_nothing_is_told(config: Path, word: str, words: str) -> None:
    with pytest.raises(ProfileError) as caught:
        names(config, word)
    assert words in str(caught.value)


def test_aliases_of_ssh_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Include more\nHost lab-* !lab-9\n  User pi\nHost lab-2 other\n")
    (tmp_path / ".ssh" / "more").write_text("Host lab-1\n  HostName 10.0.0.1\n")
    assert names(None, "ssh:lab-*") == ["lab-1", "lab-2"]
    with pytest.raises(ProfileError, match="have no Host like 'x\\*'"):
        names(None, "ssh:x*")
    (tmp_path / ".ssh" / "more").write_text("Host lab-1;reboot\n")
    with pytest.raises(ProfileError, match="Host lab-1;reboot: .* is not the name of a host"):
        names(None, "ssh:lab*")


@pytest.mark.parametrize("spoilt", ["hosts", "folder"])
def test_an_inventory_that_others_can_write_is_not_used(config: Path, spoilt: str) -> None:
    (config.parent / "hosts" if spoilt == "hosts" else config.parent).chmod(0o777)
    with pytest.raises(ProfileError, match="others can write"):
        names(config, "kitchens")


def test_an_inventory_that_is_named_is_used(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text(HOSTS)
    chosen = Selection(None, [tmp_path / "hosts"]).choose(["kitchen2"])
    assert [board.target for board in chosen.boards] == ["pi@kitchen2"]


@pytest.mark.parametrize(
    ("fleet", "words"),
    [
        ("forks = 0", "[fleet] forks must be a whole number from 1 to 1000"),
        ("groups = ['a']", "[fleet] groups must be a table"),
        ("groups = { a = 'b' }", "[fleet] groups must be a table"),
        ("inventories = 'hosts'", "[fleet] inventories must be a list"),
        ("inventories = ['nothing']", "there is no such file"),
        ("inventory = ['hosts']", "Did you mean inventories?"),
    ],
)
def test_what_is_wrong_with_fleet_is_told(tmp_path: Path, fleet: str, words: str) -> None:
    path = tmp_path / "edgeproof.toml"
    path.write_text(f"[fleet]\n{fleet}\n")
    with pytest.raises(ProfileError) as caught:
        names(path, "all")
    assert words in str(caught.value)


def test_two_inventories_that_mean_two_boards_by_one_name_are_refused(tmp_path: Path) -> None:
    for name, host in (("a", "10.0.0.1"), ("b", "10.0.0.2")):
        (tmp_path / name).write_text(f"pi ansible_host={host}")
    with pytest.raises(ProfileError, match="both have a board pi"):
        Selection(None, [tmp_path / "a", tmp_path / "b"]).choose(["pi"])
