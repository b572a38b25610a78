"""A board is named by user@host[:port] or by edgeproof.toml, and what cannot be meant is refused in words."""

import os
from pathlib import Path

import pytest

from edgeproof.config.boards import CONFIG_FILE, find_board, parse_target, read_config
from edgeproof.errors import ProfileError
from tests.support.places import ROOT


@pytest.fixture(autouse=True)
def _no_config_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGEPROOF_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


def write(folder: Path, text: str) -> Path:
    path = folder / CONFIG_FILE
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("target", "user", "host", "port"),
    [
        ("pi@raspberrypi", "pi", "raspberrypi", None),
        ("pi@raspberrypi.local:2222", "pi", "raspberrypi.local", 2222),
        ("pi@192.168.1.20", "pi", "192.168.1.20", None),
        ("pi@192.168.1.20:1", "pi", "192.168.1.20", 1),
        ("pi@192.168.1.20:65535", "pi", "192.168.1.20", 65535),
        ("pi@fe80::1%eth0", "pi", "fe80::1%eth0", None),
        ("pi@::1", "pi", "::1", None),
        ("pi@[::1]", "pi", "::1", None),
        ("pi@[::1]:2222", "pi", "::1", 2222),
        ("pi@[fe80::1%eth0]:22", "pi", "fe80::1%eth0", 22),
        ("first.last@board", "first.last", "board", None),
    ],
)
def test_a_target_is_taken_apart(target: str, user: str, host: str, port: int | None) -> None:
    profile = parse_target(target)
    assert (profile.user, profile.host, profile.port) == (user, host, port)
    assert profile.name == target
    assert find_board(target) == profile


@pytest.mark.parametrize(
    "target",
    [
        "@host",
        "pi@",
        "pi@host:",
        "pi@host:0",
        "pi@host:65536",
        "pi@host:ssh",
        "pi@ho st",
        "a@b@c",
        "pi@[::1",
        "pi@[::1]x",
    ],
)
def test_what_is_no_target_is_refused_with_the_forms_that_are(target: str) -> None:
    with pytest.raises(ProfileError) as caught:
        find_board(target)
    assert str(caught.value) == f"{target!r} is not a board: give user@host[:port], or user@[address]:port for IPv6"


def test_a_board_of_edgeproof_toml_is_found_by_its_name(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
[boards.shed]
host = "pi@10.0.0.7:2200"
identity_file = "keys/board"
known_hosts = "/etc/edgeproof/known_hosts"
python = "/usr/bin/python3.11"
runtime = "ai-edge-litert"
""",
    )
    profile = find_board("shed")
    assert (profile.name, profile.user, profile.host, profile.port) == ("shed", "pi", "10.0.0.7", 2200)
    assert profile.identity_file == str(tmp_path / "keys/board")
    assert profile.known_hosts == "/etc/edgeproof/known_hosts"
    assert (profile.python, profile.runtime) == ("/usr/bin/python3.11", "ai-edge-litert")


def test_user_and_port_of_their_own_go_before_those_of_the_host(tmp_path: Path) -> None:
    write(tmp_path, '[boards.a]\nhost = "pi@board:22"\nuser = "root"\nport = 2222\n')
    profile = find_board("a")
    assert (profile.user, profile.host, profile.port) == ("root", "board", 2222)


def test_an_alias_of_the_ssh_config_needs_no_user(tmp_path: Path) -> None:
    write(tmp_path, '[boards.a]\nhost = "alias"\n')
    profile = find_board("a")
    assert (profile.user, profile.host, profile.port, profile.python) == (None, "alias", None, "python3")


def test_the_home_folder_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    write(tmp_path, '[boards.a]\nhost = "b"\nidentity_file = "~/.ssh/board"\n')
    assert find_board("a").identity_file == "/home/me/.ssh/board"


def test_the_file_is_looked_for_in_the_folders_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, '[boards.a]\nhost = "above"\nidentity_file = "key"\n')
    (tmp_path / "deep/er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep/er")
    assert find_board("a").host == "above"
    assert find_board("a").identity_file == str(tmp_path / "key"), "a path is meant from the file's folder"


def test_the_environment_names_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, '[boards.a]\nhost = "here"\n')
    other = tmp_path / "other.toml"
    other.write_text('[boards.a]\nhost = "there"\n')
    monkeypatch.setenv("EDGEPROOF_CONFIG", str(other))
    assert find_board("a").host == "there"
    assert find_board("a", tmp_path / CONFIG_FILE).host == "here"


def test_an_unknown_name_is_told_with_the_ones_that_are_known(tmp_path: Path) -> None:
    path = write(tmp_path, '[boards.a]\nhost = "x"\n[boards.b]\nhost = "y"\n')
    with pytest.raises(ProfileError) as caught:
        find_board("c")
    assert str(caught.value) == (
        f"no board is called 'c': {path} knows a, b.\nGive user@host[:port], or add it: edgeproof board add c user@host"
    )


def test_an_unknown_name_without_a_file_is_told_where_it_was_looked_for() -> None:
    with pytest.raises(
        ProfileError, match="no board is called 'c': there is no edgeproof.toml here or in a folder above"
    ):
        find_board("c")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[boards.a]\nuser = "pi"\n', r" is not right: \[boards.a\] has no host: give a text"),
        (
            '[boards.a]\nhost = "x"\nprot = 22\n',
            r" is not right, line 3: \[boards.a\] there is no 'prot'. Did you mean port\? There are: host, user, ",
        ),
        (
            '[boards.a]\nhost = "x"\nzzz = 22\n',
            r" is not right, line 3: \[boards.a\] there is no 'zzz'. There are: host, user, port, ",
        ),
        ('[boards.a]\nhost = "x"\nport = "22"\n', r"\[boards.a\] port must be a whole number from 1 to 65535"),
        ('[boards.a]\nhost = "x"\nport = 65536\n', r"\[boards.a\] port must be a whole number from 1 to 65535"),
        ('[boards.a]\nhost = "x"\nport = 0\n', r"\[boards.a\] port must be a whole number from 1 to 65535"),
        ("[boards.a]\nhost = 7\n", r"\[boards.a\] host must be a text"),
        ('[boards.a]\nhost = "x"\nruntime = "tflite"\n', "runtime must be tflite-runtime or ai-edge-litert"),
        ('[boards.a]\nhost = "x"\npython = "-c x"\n', "python must be a text: a command or a path on the board"),
        ("boards = 7\n", r"each board is a table of its own, \[boards.NAME\]"),
        ("[boards]\na = 7\n", r"each board is a table of its own, \[boards.NAME\]"),
        ("[borads.a]\n", "line 1: there is no 'borads'. Did you mean boards"),
    ],
)
def test_what_is_wrong_in_the_file_is_told_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ProfileError, match=message) as caught:
        find_board("a")
    assert str(caught.value).startswith(f"{path} is not right")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[boards", "it is broken (Expected ']'"),
        (b"\xff\xfe", "it is not UTF-8 (byte 0xff at 0)"),
        (b"a = 1\na = 2\n", "it is broken (Cannot overwrite a value"),
        (b"a = " + b"[" * 100_000, "it is nested too deep"),
        (b"#" * ((1 << 20) + 1), "it is over 1 MiB long"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / CONFIG_FILE
    path.write_bytes(content)
    with pytest.raises(ProfileError) as caught:
        find_board("a")
    assert str(caught.value).startswith(f"{path}: {reason}")


def test_what_is_no_file_is_neither_read_nor_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, reason in (
        (tmp_path / "pipe", "it is no regular file"),
        (Path("/dev/zero"), "it is no regular file"),
        (tmp_path, "it is no regular file"),
        (tmp_path / "nowhere.toml", "there is no such file"),
    ):
        with pytest.raises(ProfileError, match=reason):
            read_config(path)


def test_a_file_of_somebody_else_does_not_count_unless_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, '[boards.a]\nhost = "x"\n')
    monkeypatch.setattr("edgeproof.config.trust._own_ids", lambda: {0} - {path.stat().st_uid} | {4711})
    with pytest.raises(ProfileError, match=f"{path} is not used: .* belongs to another user .*EDGEPROOF_CONFIG={path}"):
        find_board("a")
    monkeypatch.setenv("EDGEPROOF_CONFIG", str(path))
    assert find_board("a").host == "x"


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "told"),
    [
        (0o644, 0o755, None),
        (0o664, 0o775, None),
        (0o646, 0o755, "others can write .*edgeproof.toml,"),
        (0o644, 0o757, "others can write the folder"),
        (0o644, 0o1777, None),
    ],
)
def test_a_file_that_others_can_change_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_mode: int, folder_mode: int, told: str | None
) -> None:
    path = write(tmp_path, '[boards.a]\nhost = "x"\n')
    below = tmp_path / "project"
    below.mkdir()
    monkeypatch.chdir(below)
    path.chmod(file_mode)
    tmp_path.chmod(folder_mode)
    if told is None:
        assert find_board("a").host == "x"
        return
    with pytest.raises(ProfileError, match=told):
        find_board("a")


def test_a_link_is_judged_with_what_it_leads_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shared").mkdir()
    target = write(tmp_path / "shared", '[boards.a]\nhost = "x"\n')
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / CONFIG_FILE).symlink_to(target)
    monkeypatch.chdir(tmp_path / "mine")
    assert find_board("a").host == "x"
    (tmp_path / "shared").chmod(0o777)
    with pytest.raises(ProfileError, match="others can write the folder .*shared"):
        find_board("a")


def test_a_host_that_is_none_is_refused(tmp_path: Path) -> None:
    write(tmp_path, '[boards.a]\nhost = ""\n')
    with pytest.raises(ProfileError, match="'' is not a board"):
        find_board("a")


def test_every_example_profile_that_is_shipped_is_understood() -> None:
    example = ROOT / "deploy" / "edgeproof.example.toml"
    boards = {name: find_board(name, example) for name in read_config(example).boards}
    assert set(boards) == {"pi", "gate", "shed", "lab", "bench", "shop"}
    assert (boards["pi"].user, boards["pi"].host, boards["pi"].port) == ("pi", "raspberrypi.local", None)
    assert boards["gate"].port == 2222
    assert boards["shed"].target == "pi@[fe80::dea6:32ff:fe01:2345%eth0]:22"
    assert boards["gate"].known_hosts == str(example.parent / "known_hosts")
    assert (boards["lab"].user, boards["lab"].host) == (None, "lab-board")
    assert (boards["bench"].python, boards["bench"].runtime) == ("/usr/bin/python3.11", "tflite-runtime")
    assert boards["shop"].require_signature == (str(example.parent / "keys/release.pub"),)


def test_signers_are_keys_or_files_beside_the_configuration(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '[boards.one]\nhost = "pi"\nrequire_signature = "ssh-ed25519 AAAA"\n'
        '[boards.two]\nhost = "pi"\nrequire_signature = ["ssh-ed25519 AAAA me", "a.pub", "/keys/b.pub"]\n'
        '[boards.none]\nhost = "pi"\n',
    )
    assert find_board("one", path).require_signature == ("ssh-ed25519 AAAA",)
    two = find_board("two", path).require_signature
    assert two == ("ssh-ed25519 AAAA me", str(tmp_path / "a.pub"), "/keys/b.pub")
    assert find_board("none", path).require_signature == ()


@pytest.mark.parametrize("empty", ['""', '["ssh-ed25519 AAAA", ""]'])
def test_a_signer_without_a_name_is_told(tmp_path: Path, empty: str) -> None:
    path = write(tmp_path, f'[boards.pi]\nhost = "pi"\nrequire_signature = {empty}\n')
    with pytest.raises(ProfileError, match=r"\[boards.pi\] require_signature is empty: name a public key"):
        find_board("pi", path)
