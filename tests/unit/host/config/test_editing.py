"""Adding and removing a board changes that board alone, and never breaks what the user wrote."""

from pathlib import Path

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.config.boards import CONFIG_FILE, all_boards, find_board, read_config
from edgeproof.config.editing import add_board, path_for_config, remove_board
from edgeproof.errors import ProfileError

USERS_OWN = """\
# Boards of the lab.    Ask Kim before you touch them.

[boards.shed]            # in the garden
host    = 'pi@10.0.0.7'  # static
port = 2_200


[boards."my board"]
host = "other"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / CONFIG_FILE
    path.write_text(USERS_OWN)
    return path


def test_a_first_board_makes_the_file(tmp_path: Path) -> None:
    path = tmp_path / CONFIG_FILE
    board = add_board(path, "pi", {"host": "pi@[fe80::1%eth0]:22", "python": "python3.11"})
    assert path.read_text() == '[boards.pi]\nhost = "pi@[fe80::1%eth0]:22"\npython = "python3.11"\n'
    assert (board.user, board.host, board.port) == ("pi", "fe80::1%eth0", 22)
    assert board.target == "pi@[fe80::1%eth0]:22"
    assert [entry.name for entry in tmp_path.iterdir()] == [CONFIG_FILE]


def test_a_further_board_leaves_every_byte_of_the_users_own(config: Path) -> None:
    config.chmod(0o640)
    add_board(config, "new.one", {"host": "lab-board", "port": 2222})
    assert config.read_text() == USERS_OWN + '\n[boards."new.one"]\nhost = "lab-board"\nport = 2222\n'
    assert config.stat().st_mode & 0o777 == 0o640
    remove_board(config, "new.one")
    assert config.read_text().rstrip() == USERS_OWN.rstrip()


def test_a_name_that_is_taken_is_refused_unless_it_shall_be_replaced(config: Path) -> None:
    with pytest.raises(ProfileError, match=r"has a board shed already \(pi@10.0.0.7:2200\).*--replace"):
        add_board(config, "shed", {"host": "x@y"})
    assert config.read_text() == USERS_OWN
    add_board(config, "shed", {"host": "x@y"}, replace=True)
    assert find_board("shed", config).target == "x@y"
    assert find_board("my board", config).host == "other"
    assert "# Boards of the lab." in config.read_text()


def test_a_board_that_is_replaced_keeps_what_is_not_given_but_for_where_it_was(config: Path) -> None:
    settings: dict[str, str | int] = {
        "host": "pi@10.0.0.7",
        "port": 2200,
        "python": "python3.11",
        "runtime": "tflite-runtime",
    }
    add_board(config, "den", settings)
    config.write_text(config.read_text() + 'require_signature = ["ssh-ed25519 AAAA", "ssh-ed25519 BBBB"]\n')
    board = add_board(config, "den", {"host": "me@10.0.0.8", "python": "python3.12"}, replace=True)
    assert (board.target, board.python, board.runtime) == ("me@10.0.0.8", "python3.12", "tflite-runtime")
    assert board.require_signature == ("ssh-ed25519 AAAA", "ssh-ed25519 BBBB")


def test_a_board_is_taken_out_and_the_others_stay_as_they_were(config: Path) -> None:
    remove_board(config, "my board")
    assert config.read_text().rstrip() == USERS_OWN.partition('[boards."my board"]')[0].rstrip()
    with pytest.raises(ProfileError, match="has no board my board: it has shed"):
        remove_board(config, "my board")


@pytest.mark.parametrize(
    "text", ["", "# nothing yet\n", "[boards]\n", 'boards = { a = { host = "x" } }\n', "boards.a.host = 'x'"]
)
def test_every_way_to_write_the_table_can_be_added_to(tmp_path: Path, text: str) -> None:
    path = tmp_path / CONFIG_FILE
    path.write_text(text)
    before = dict(all_boards(path))
    add_board(path, "b", {"host": "y@z"})
    assert {name: board.host for name, board in all_boards(path).items()} == {
        **{name: board.host for name, board in before.items()},
        "b": "z",
    }
    remove_board(path, "b")
    assert all_boards(path) == before


@pytest.mark.parametrize(
    ("name", "settings_", "message"),
    [
        ("a b", {"host": "x@y"}, "is not a name for a board"),
        ("pi@host", {"host": "x@y"}, "is not a name for a board"),
        ("", {"host": "x@y"}, "is not a name for a board"),
        ("-x", {"host": "x@y"}, "is not a name for a board"),
        ("a", {"host": "pi@host:port"}, "is not a board: give user@host"),
        ("a", {"host": "pi@host:22", "port": 2222}, "the port is given twice"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(
    config: Path, name: str, settings_: dict[str, str | int], message: str
) -> None:
    with pytest.raises(ProfileError, match=message):
        add_board(config, name, settings_)
    assert config.read_text() == USERS_OWN


def test_a_file_that_is_broken_stays_as_it_is(config: Path) -> None:
    config.write_text("[boards\n")
    for change in (lambda: add_board(config, "a", {"host": "x@y"}), lambda: remove_board(config, "a")):
        with pytest.raises(ProfileError, match="is not right|it is broken"):
            change()
    assert config.read_text() == "[boards\n"


def test_a_change_that_would_say_something_else_is_not_written(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tomlkit, "dumps", lambda _: '[boards.new]\nhost = "x@y"\n')
    with pytest.raises(ProfileError, match="cannot be changed safely: edit it by hand"):
        add_board(config, "new", {"host": "x@y"})
    assert config.read_text() == USERS_OWN


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        ProfileError, match="a file is where a folder would have to be. Name another file in EDGEPROOF_CONFIG"
    ):
        add_board(tmp_path / "file" / CONFIG_FILE, "a", {"host": "x@y"})


def test_a_link_to_the_file_stays_one(config: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(config)
    add_board(link, "a", {"host": "x@y"})
    assert link.is_symlink()
    assert find_board("a", config).host == "y"


def test_a_path_is_written_as_the_file_means_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    config = tmp_path / "deep" / CONFIG_FILE
    assert path_for_config(Path("deep/keys/board"), config) == "keys/board"
    assert path_for_config(Path("key"), config) == str(tmp_path / "key")
    assert path_for_config(Path("~/.ssh/board"), config) == str(tmp_path / "me/.ssh/board")


_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@given(st.dictionaries(_TEXT, _TEXT, max_size=4), st.lists(st.sampled_from(["# note", "", "  # \t x"]), max_size=4))
@settings(max_examples=100)
def test_whatever_stands_there_is_kept(
    tmp_path_factory: pytest.TempPathFactory, others: dict[str, str], comments: list[str]
) -> None:
    path = tmp_path_factory.mktemp("config") / CONFIG_FILE
    document = tomlkit.document()
    document["boards"] = {name: {"host": "h", "python": f"p{python}"} for name, python in others.items()}
    path.write_text("\n".join(comments) + "\n" + tomlkit.dumps(document), encoding="utf-8")
    before = read_config(path).boards
    add_board(path, "new", {"host": "x@y"}, replace=True)
    after = read_config(path).boards
    assert after == {**before, "new": {"host": "x@y"}}
    assert all(comment.strip() in path.read_text(encoding="utf-8") for comment in comments)
