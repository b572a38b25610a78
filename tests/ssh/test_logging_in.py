"""Servers that want something else than a plain key, that are too old, or whose accounts are not in order."""

import base64
import os
import pty
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edgeproof.board.doctor.diagnosis import diagnose
from edgeproof.board.link.deadline import Deadline
from edgeproof.board.open_board import open_board
from edgeproof.board.ssh.transport import connect
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import AuthenticationError, BoardUnreachableError, HostKeyError, LoginShellError
from tests.support.boards.login_board import LoginBoard, login_board
from tests.support.places import ROOT

PASSWORD = "correct horse"
EXPIRED_ACCOUNT = "*:19000::::1:"
"""The account ended on the second day of 1970."""
EXPIRED_PASSWORD = "*:0::::::"
"""It has to be changed at once."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "user"
    (folder / ".ssh").mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return folder


def refused(profile: BoardProfile) -> str:
    with pytest.raises((AuthenticationError, BoardUnreachableError)) as caught:
        connect(profile)
    return str(caught.value)


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginBoard]:
    """One session on a connection, as `MaxSessions 1`."""
    with login_board(tmp_path_factory.mktemp("narrow") / "board", options=["MaxSessions 1"]) as running:
        yield running


def test_a_server_that_allows_one_session_gets_a_connection_for_each(narrow: LoginBoard) -> None:
    with open_board(narrow.profile) as board:
        channel = board.transport.open("echo second; exit 0")
        assert channel.receive(10, Deadline(10, "the test")) == b"second\n"
        assert board.transport.connections == 2
        assert board.store.refresh().bundles == frozenset(), "the first one goes on"
    sessions = next(item for item in diagnose(narrow.profile).findings if item.name == "sessions")
    assert "one at a time on a connection" in sessions.value
    assert "MaxSessions" in sessions.remedy


@pytest.mark.parametrize(
    ("options", "kind", "offered", "remedy"),
    [
        (
            ["KexAlgorithms diffie-hellman-group14-sha1"],
            "key exchange",
            "diffie-hellman-group14-sha1",
            "KexAlgorithms +",
        ),
        (["HostKeyAlgorithms ssh-rsa"], "host keys", "ssh-rsa", "sudo ssh-keygen -A"),
        (["Ciphers chacha20-poly1305@openssh.com"], "ciphers", "chacha20-poly1305@openssh.com", "Ciphers +"),
        (["Ciphers aes128-ctr", "MACs umac-64@openssh.com"], "MACs", "umac-64@openssh.com", "MACs +"),
    ],
)
def test_a_server_without_a_common_algorithm_is_told_with_both_sides_and_what_to_change(
    tmp_path: Path, options: list[str], kind: str, offered: str, remedy: str
) -> None:
    folder = tmp_path / "board"
    if kind == "host keys":
        options = [*options, f"HostKey {tmp_path}/rsa"]
        subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", f"{tmp_path}/rsa"], check=True)
    with login_board(folder, options=options) as board:
        told = refused(board.profile)
    assert "has no algorithms in common with edgeproof" in told
    assert f"{kind}: it offers " in told
    assert offered in told
    assert remedy in told
    assert told.count("it offers") == 1


def test_a_server_that_takes_rsa_keys_by_sha_1_alone_is_told(tmp_path: Path, home: Path) -> None:
    with login_board(tmp_path / "board", options=["PubkeyAcceptedAlgorithms ssh-rsa"]) as board:
        subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", f"{tmp_path}/rsa"], check=True)
        shutil.copy(tmp_path / "rsa.pub", board.home / ".ssh/authorized_keys")
        told = refused(msgspec.structs.replace(board.profile, identity_file=f"{tmp_path}/rsa"))
    assert "SHA-1 signatures (ssh-rsa)" in told
    assert "ssh-keygen -t ed25519" in told


def test_a_server_that_wants_key_and_password_says_so_where_nobody_can_be_asked(tmp_path: Path, home: Path) -> None:
    with login_board(tmp_path / "board", options=["AuthenticationMethods publickey,password"]) as board:
        told = refused(board.profile)
    assert "takes the key of root and wants password, too" in told
    assert "Run this on a terminal" in told


def test_an_expired_password_is_told_as_that(tmp_path: Path) -> None:
    with login_board(tmp_path / "board", options=["UsePAM yes"]) as board:
        board.set_up(shadow=EXPIRED_PASSWORD)
        with (
            pytest.raises(LoginShellError, match="the password of this user has expired") as caught,
            open_board(board.profile),
        ):
            pass
        assert "chage" in str(caught.value)
        login = next(item for item in diagnose(board.profile).findings if item.name == "login")
        assert "the password of this user has expired" in login.value


def test_an_expired_account_is_named_among_the_causes(tmp_path: Path) -> None:
    with login_board(tmp_path / "board") as board:
        board.set_up(shadow=EXPIRED_ACCOUNT)
        told = refused(board.profile)
        assert "account" in board.log
    assert "An account that has expired or is locked is refused so, too" in told
    assert "sudo chage -l root" in told


def config(home: Path, board: LoginBoard, *lines: str) -> BoardProfile:
    """The board as ~/.ssh/config has it, with nothing in the profile."""
    block = [f"Host lab\n  HostName 127.0.0.1\n  Port {board.profile.port}\n  User {board.profile.user}"]
    (home / ".ssh/config").write_text("\n  ".join([*block, *lines]) + "\n")
    return BoardProfile(name="desk", host="lab")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginBoard]:
    folder = tmp_path_factory.mktemp("plain")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "ca")], check=True)
    with login_board(folder / "board", options=[f"TrustedUserCAKeys {folder}/ca.pub"]) as running:
        yield running


def test_the_host_key_is_looked_up_by_its_alias(plain: LoginBoard, home: Path, tmp_path: Path) -> None:
    plain.set_up()
    profile = config(home, plain, f"IdentityFile {plain.folder}/client_key", "HostKeyAlias garden")
    with pytest.raises(HostKeyError, match=r"the host key of desk \(garden\) is not known") as unknown:
        connect(profile)
    (tmp_path / "edgeproof.toml").write_text('[boards.desk]\nhost = "lab"\n')
    command = str(unknown.value).splitlines()[-1].split()[1:]
    subprocess.run([sys.executable, "-m", "edgeproof", *command], cwd=tmp_path, check=True, capture_output=True)
    assert (home / ".ssh/known_hosts").read_text().startswith("garden ssh-ed25519 ")
    connect(profile).close()


def test_the_agent_that_ssh_config_names_is_asked_and_none_is_not(
    plain: LoginBoard, home: Path, tmp_path: Path
) -> None:
    plain.set_up()
    shutil.copy(plain.folder / "known_hosts", home / ".ssh/known_hosts")
    socket = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        assert agent.stdout is not None
        agent.stdout.readline()
        env = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
        subprocess.run(["ssh-add", "-q", str(plain.folder / "client_key")], env=env, check=True)
        connect(config(home, plain, f"IdentityAgent {socket}")).close()
        connect(config(home, plain, "IdentityAgent SSH_AUTH_SOCK", f"IdentityFile {plain.folder}/client_key")).close()
        os.environ["SSH_AUTH_SOCK"] = str(socket)
        refused(config(home, plain, "IdentityAgent none"))
        os.environ.pop("SSH_AUTH_SOCK")
        refused(config(home, plain, f"IdentityAgent {tmp_path}/nowhere"))
    finally:
        os.environ.pop("SSH_AUTH_SOCK", None)
        agent.terminate()
        agent.wait()


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_certificate_lets_in_where_the_key_alone_does_not(
    plain: LoginBoard, home: Path, tmp_path: Path, kind: str
) -> None:
    plain.set_up()
    shutil.copy(plain.folder / "known_hosts", home / ".ssh/known_hosts")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(key)], check=True)
    profile = config(home, plain, f"IdentityFile {key}")
    refused(profile)
    ca = plain.folder.parent / "ca"
    subprocess.run(["ssh-keygen", "-q", "-s", str(ca), "-I", "me", "-n", "root", str(key) + ".pub"], check=True)
    connect(profile).close()  # key-cert.pub lies beside it
    (tmp_path / "key-cert.pub").rename(tmp_path / "elsewhere.pub")
    refused(profile)
    connect(config(home, plain, f"IdentityFile {key}", f"CertificateFile {tmp_path}/elsewhere.pub")).close()
    connect(
        config(home, plain, f"IdentityFile {plain.folder}/client_key", f"CertificateFile {tmp_path}/elsewhere.pub")
    ).close()


def test_a_key_on_a_token_is_told_to_be_the_agent_s(plain: LoginBoard, home: Path, tmp_path: Path) -> None:
    plain.set_up()
    shutil.copy(plain.folder / "known_hosts", home / ".ssh/known_hosts")
    name = b"sk-ssh-ed25519@openssh.com"
    blob = len(name).to_bytes(4, "big") + name + (32).to_bytes(4, "big") + b"k" * 32 + b"\0\0\0\x04ssh:"
    (tmp_path / "token.pub").write_bytes(name + b" " + base64.b64encode(blob) + b"\n")
    (tmp_path / "token").write_text("what only ssh reads\n")
    told = refused(config(home, plain, f"IdentityFile {tmp_path}/token"))
    assert f"The key {tmp_path}/token is on a hardware token" in told
    assert f"ssh-add {tmp_path}/token" in told
    told = refused(config(home, plain, f"IdentityFile {tmp_path}/nothing", "PKCS11Provider /usr/lib/opensc-pkcs11.so"))
    assert "ssh-add -s /usr/lib/opensc-pkcs11.so" in told


def on_a_terminal(arguments: list[str], answers: list[tuple[bytes, bytes]], folder: Path) -> tuple[int, str]:
    """Runs Python on a terminal; each prompt gets its answer. Returns exit status and all that was shown."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, *arguments])
    output, seen = b"", 0
    end = time.monotonic() + 50
    while time.monotonic() < end:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
        output += data
        while answers and answers[0][0] in output[seen:]:
            prompt, answer = answers.pop(0)
            seen = output.index(prompt, seen) + len(prompt)
            os.write(terminal, answer + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), output.decode(errors="replace")


def hashed(password: str) -> str:
    made = subprocess.run(["openssl", "passwd", "-6", password], capture_output=True, text=True, check=True)
    return f"{made.stdout.strip()}:19000::::::"


CONNECT_TWICE = (
    "from edgeproof.config.boards import find_board\nfrom edgeproof.board.ssh.transport import connect\n"
    "for _ in range(2):\n    connect(find_board('desk')).close()\nprint('let in')\n"
)


@pytest.fixture(params=["openssh", "dropbear"])
def by_password(request: pytest.FixtureRequest, tmp_path: Path, home: Path) -> Iterator[LoginBoard]:
    """A board that has no key of the user, with the server's ways to ask for a password."""
    options = ["PasswordAuthentication yes", "KbdInteractiveAuthentication no"]
    kind = "dropbear" if request.param == "dropbear" else "openssh"
    with login_board(tmp_path / "board", kind, options if kind == "openssh" else []) as board:
        board.set_up(shadow=hashed(PASSWORD))
        (board.home / ".ssh/authorized_keys").unlink()
        shutil.copy(board.folder / "known_hosts", home / ".ssh/known_hosts")
        profile = board.profile
        (tmp_path / "edgeproof.toml").write_text(f'[boards.desk]\nhost = "{profile.target}"\n')
        yield board


@pytest.mark.timeout(60)
def test_a_password_is_asked_for_on_a_terminal_once_and_not_shown(by_password: LoginBoard, tmp_path: Path) -> None:
    prompt = f"Password of {by_password.profile.target}: ".encode()
    status, shown = on_a_terminal(["-c", CONNECT_TWICE], [(prompt, b"wrong"), (prompt, PASSWORD.encode())], tmp_path)
    assert status == 0, shown
    assert "let in" in shown
    assert shown.count("Password of") == 2, "the second connection asks nobody"
    assert PASSWORD not in shown


@pytest.mark.timeout(60)
def test_a_wrong_password_is_told_as_that(by_password: LoginBoard, tmp_path: Path) -> None:
    prompt = b"Password of "
    status, shown = on_a_terminal(["-m", "edgeproof", "board", "doctor", "desk"], [(prompt, b"wrong")] * 3, tmp_path)
    assert status == 2
    assert "does not let root in with that password" in " ".join(shown.split())
    assert str(by_password.profile.user) in shown


@pytest.mark.timeout(60)
def test_a_key_is_put_on_the_board_by_its_password_and_then_lets_in(
    by_password: LoginBoard, home: Path, tmp_path: Path
) -> None:
    """As a new user does it: no key there, host key unknown."""
    (tmp_path / "edgeproof.toml").unlink()
    (home / ".ssh/known_hosts").unlink()
    shutil.copy(by_password.folder / "client_key", home / ".ssh/id_ed25519")
    shutil.copy(by_password.folder / "client_key.pub", home / ".ssh/id_ed25519.pub")
    keys = by_password.home / ".ssh/authorized_keys"
    keys.write_text("ssh-ed25519 AAAA someone@else")
    command = ["-m", "edgeproof", "board", "add", "desk", by_password.profile.target, "--copy-id"]
    status, shown = on_a_terminal(command, [(b"[y/N]: ", b"y"), (b"Password of ", PASSWORD.encode())], tmp_path)
    words = " ".join(shown.split())
    assert status == 0, shown
    assert f"desk lets you in by {home}/.ssh/id_ed25519.pub now: no password is asked for" in words
    before, line = keys.read_text().splitlines()
    assert before == "ssh-ed25519 AAAA someone@else"
    assert line.split() == (home / ".ssh/id_ed25519.pub").read_text().split()[:2]
    assert keys.stat().st_mode & 0o077 in (0, 0o044)
    status, shown = on_a_terminal([*command, "--replace"], [], tmp_path)
    assert (status, "which was there already" in " ".join(shown.split())) == (0, True), shown
    assert len(keys.read_text().splitlines()) == 2


def test_without_a_key_there_is_none_to_put_on_a_board(home: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edgeproof", "board", "add", "desk", "pi@127.0.0.1:1", "--copy-id"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "ssh-keygen -t ed25519" in ended.stderr


def test_the_table_tells_the_same_words() -> None:
    text = (ROOT / "docs/reference/first-contact.md").read_text(encoding="utf-8")
    for words in (
        "has no algorithms in common with edgeproof",
        "SHA-1 signatures (ssh-rsa)",
        "the password of this user has expired",
        "An account that has expired or is locked is refused so, too",
        "is on a hardware token",
        "takes the key of root and wants password, too",
        "one at a time on a connection",
    ):
        assert words in text
