"""The ways that lead to a board behind OpenSSH: ~/.ssh/config, jump hosts, agents, passphrases, IPv6, other ports."""

import io
import os
import pty
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from edgeproof.board.link.deadline import Deadline
from edgeproof.board.link.local import base_python
from edgeproof.board.ssh import route
from edgeproof.board.ssh.transport import connect, fetch_host_key
from edgeproof.config.boards import BoardProfile, find_board, parse_target
from edgeproof.errors import AuthenticationError, BoardUnreachableError, HostKeyError, ProfileError
from tests.support.boards.openssh_server import SSHD, OpenSshBoard

PASSPHRASE = "correct horse"
StartBoard = Callable[..., OpenSshBoard]
AddKey = Callable[[Path], None]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartBoard]:
    """Starts an sshd on the loopback; its folder carries the name."""
    if SSHD is None:
        pytest.skip("sshd is not installed (apt-get install openssh-server): not tested against OpenSSH")
    with ExitStack() as servers:

        def start_one(name: str, address: str = "127.0.0.1") -> OpenSshBoard:
            return servers.enter_context(OpenSshBoard(tmp_path / name, base_python(), address))

        yield start_one


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home folder, empty but for ~/.ssh, and no agent."""
    folder = tmp_path / "user"
    (folder / ".ssh").mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.delenv("EDGEPROOF_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def agent(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AddKey]:
    """A running ssh-agent; call it with a key file to add that."""
    if shutil.which("ssh-agent") is None:
        pytest.skip("ssh-agent is not installed (apt-get install openssh-client): no agent was tested")
    server = subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(tmp_path / "agent")], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert server.stdout is not None
    server.stdout.readline()  # is written once it listens
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))

    def add(key: Path) -> None:
        ask = tmp_path / "askpass"
        ask.write_text(f"#!/bin/sh\necho '{PASSPHRASE}'\n")
        ask.chmod(0o700)
        environment = {**os.environ, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": "none"}
        subprocess.run(["ssh-add", "-q", str(key)], check=True, timeout=20, env=environment, stdin=subprocess.DEVNULL)

    yield add
    server.terminate()
    server.wait(20)
    server.stdout.close()


def bare(board: OpenSshBoard, **changes: object) -> BoardProfile:
    """The board's profile without a key of its own."""
    return msgspec.structs.replace(board.profile, identity_file=None, **changes)


def locked(board: OpenSshBoard) -> Path:
    """Protects the board's login key by a passphrase."""
    key = board.folder / "client_key"
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", PASSPHRASE, "-f", str(key)], check=True, timeout=60)
    return key


def says(profile: BoardProfile, command: str = "echo here") -> str:
    with connect(profile) as transport:
        return transport.open(command).receive(4096, Deadline(20, "the test")).decode().strip()


def client_key(board: OpenSshBoard) -> str:
    return " ".join((board.folder / "client_key.pub").read_text().split()[:2])


def run_named_command(message: str) -> None:
    """Runs the command that an error tells the user to run."""
    command = next(line for line in message.splitlines() if line.startswith("  edgeproof "))
    done = subprocess.run([sys.executable, "-m", *shlex.split(command)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def host_block(alias: str, board: OpenSshBoard, *more: str, key: bool = True) -> str:
    lines = [f"HostName {board.address}", f"Port {board.profile.port}", f"User {board.profile.user}", *more]
    lines += [f"IdentityFile {board.folder}/client_key"] if key else []
    return f"Host {alias}\n" + "".join(f"  {line}\n" for line in lines)


def trust_in(home: Path, *boards: OpenSshBoard) -> None:
    (home / ".ssh/known_hosts").write_text("".join((board.folder / "known_hosts").read_text() for board in boards))


def test_an_alias_of_ssh_config_says_host_port_user_and_key(start: StartBoard, home: Path, tmp_path: Path) -> None:
    board = start("board")
    trust_in(home, board)
    (home / ".ssh/config").write_text(host_block("lab-board", board))
    (tmp_path / "edgeproof.toml").write_text('[boards.desk]\nhost = "lab-board"\n')
    assert says(find_board("desk")) == "here"


def test_an_included_file_of_ssh_config_counts_and_ends_with_itself(start: StartBoard, home: Path) -> None:
    board = start("board")
    trust_in(home, board)
    (home / ".ssh/config.d").mkdir()
    (home / ".ssh/config.d/lab").write_text(host_block("lab-board", board))
    (home / ".ssh/config").write_text("Include config.d/*\nUser somebody-else\nHost lab-board\n  Port 1\n")
    assert says(BoardProfile(name="desk", host="lab-board")) == "here"


def test_a_key_of_ssh_config_that_is_not_there_is_passed_over(start: StartBoard, home: Path) -> None:
    board = start("board")
    trust_in(home, board)
    (home / ".ssh/config").write_text(host_block("lab-board", board, "IdentityFile ~/.ssh/gone"))
    assert says(BoardProfile(name="desk", host="lab-board")) == "here"


def test_the_known_hosts_file_of_ssh_config_is_read_and_written(start: StartBoard, home: Path, tmp_path: Path) -> None:
    board = start("board")
    (home / ".ssh/config").write_text(host_block("lab-board", board, "UserKnownHostsFile ~/.ssh/lab"))
    shutil.copy(board.folder / "known_hosts", home / ".ssh/lab")
    profile = BoardProfile(name="desk", host="lab-board")
    assert says(profile) == "here"
    (home / ".ssh/lab").write_text((home / ".ssh/lab").read_text().partition(" ")[0] + f" {client_key(board)}\n")
    with pytest.raises(HostKeyError, match="HAS CHANGED") as refused:
        connect(profile)
    (tmp_path / "edgeproof.toml").write_text('[boards.desk]\nhost = "lab-board"\n')
    run_named_command(str(refused.value))
    assert says(profile) == "here"
    assert not (home / ".ssh/known_hosts").exists()


def test_an_ssh_config_that_nobody_can_read_is_told(home: Path) -> None:
    (home / ".ssh/config").write_text("Match nonsense\n")
    with pytest.raises(ProfileError, match=r"\.ssh/config .*is not right"):
        connect(parse_target("pi@board"))
    (home / ".ssh/config").write_text("Include config\n")
    with pytest.raises(ProfileError, match="does it include itself"):
        connect(parse_target("pi@board"))


def test_a_jump_host_leads_to_the_board(start: StartBoard, home: Path) -> None:
    jump, board = start("jump"), start("board")
    trust_in(home, jump, board)
    (home / ".ssh/config").write_text(host_block("gate", jump) + host_block("inside", board, "ProxyJump gate"))
    profile = BoardProfile(name="desk", host="inside")
    assert says(profile, "echo $HOME") == str(board.home)
    assert fetch_host_key(profile)[1] == paramiko.PKey.from_path(board.folder / "host_key")


def test_two_jump_hosts_one_after_the_other_lead_to_the_board(start: StartBoard, home: Path) -> None:
    first, second, board = start("first"), start("second"), start("board")
    trust_in(home, first, second, board)
    (home / ".ssh/config").write_text(
        host_block("first", first)
        + host_block("second", second)
        + host_block("inside", board, "ProxyJump first,second")
    )
    assert says(BoardProfile(name="desk", host="inside"), "echo $HOME") == str(board.home)


def test_a_jump_host_for_all_hosts_is_not_its_own_jump_host(start: StartBoard, home: Path) -> None:
    jump = start("jump")
    trust_in(home, jump)
    target = f"{jump.profile.user}@{jump.address}:{jump.profile.port}"
    everywhere = f"Host *\n  ProxyJump {target}\n  IdentityFile {jump.folder}/client_key\n"
    (home / ".ssh/config").write_text(everywhere)
    assert says(bare(jump, known_hosts=None)) == "here"
    by_name = host_block("gate", jump) + "Host *\n  ProxyJump gate\n"
    (home / ".ssh/config").write_text(by_name)
    assert says(BoardProfile(name="desk", host="gate")) == "here"


def test_a_jump_host_at_the_address_of_the_board_is_told_from_it_by_its_port(start: StartBoard, home: Path) -> None:
    jump, board = start("jump"), start("board")
    trust_in(home, jump, board)
    target = f"{jump.profile.user}@{jump.address}:{jump.profile.port}"
    (home / ".ssh/config").write_text(f"Host {board.address}\n  ProxyJump {target}\n")
    before = route.find_route(bare(board)).before
    assert before is not None
    assert before.port == jump.profile.port
    (home / ".ssh/config").write_text(
        f"Host *\n  IdentityFile {jump.folder}/client_key\n  IdentityFile {board.folder}/client_key\n"
        f"  ProxyJump {target}\n"
    )
    assert says(bare(board, known_hosts=None)) == "here"


def test_of_two_jump_hosts_for_all_hosts_the_second_is_reached_by_the_first(start: StartBoard, home: Path) -> None:
    first, second = start("first"), start("second")
    everywhere = "Host *\n  ProxyJump first,second\n"
    (home / ".ssh/config").write_text(host_block("first", first) + host_block("second", second) + everywhere)
    route_to_second = route.find_route(BoardProfile(host="second", name="desk"))
    assert route_to_second.before is not None
    assert route_to_second.before.port == first.profile.port
    assert route_to_second.before.before is None
    assert route.find_route(BoardProfile(host="first", name="desk")).before is None


def test_an_unknown_jump_host_is_refused_by_its_own_name_and_trusted_by_the_command_that_is_named(
    start: StartBoard, home: Path
) -> None:
    jump, board = start("jump"), start("board")
    trust_in(home, board)
    (home / ".ssh/config").write_text(host_block("gate", jump) + host_block("inside", board, "ProxyJump gate"))
    profile = BoardProfile(name="desk", host="inside")
    with pytest.raises(HostKeyError) as refused:
        connect(profile)
    assert f"the host key of {jump.profile.user}@gate ([127.0.0.1]:{jump.profile.port}) is not known" in str(
        refused.value
    )
    with pytest.raises(HostKeyError, match="the host key of .*@gate"):
        fetch_host_key(profile)
    run_named_command(str(refused.value))
    assert says(profile) == "here"


def test_a_jump_host_with_a_changed_key_is_refused_by_its_own_name(start: StartBoard, home: Path) -> None:
    jump, board = start("jump"), start("board")
    stranger = (board.folder / "host_key.pub").read_text()
    trust_in(home, board)
    with (home / ".ssh/known_hosts").open("a") as known:
        known.write(f"[{jump.address}]:{jump.profile.port} {stranger}")
    (home / ".ssh/config").write_text(host_block("gate", jump) + host_block("inside", board, "ProxyJump gate"))
    with pytest.raises(HostKeyError, match=r"the host key of .*@gate .*HAS CHANGED"):
        connect(BoardProfile(name="desk", host="inside"))


def test_a_board_that_its_jump_host_does_not_reach_is_told(start: StartBoard, home: Path) -> None:
    jump = start("jump")
    trust_in(home, jump)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (home / ".ssh/config").write_text(
        host_block("gate", jump) + f"Host inside\n  HostName 127.0.0.1\n  Port {port}\n  ProxyJump gate\n"
    )
    with pytest.raises(BoardUnreachableError) as caught:
        connect(BoardProfile(name="desk", host="inside"))
    assert f"@gate, the jump host, does not reach desk (127.0.0.1 port {port})" in str(caught.value)


def test_jump_hosts_that_lead_round_in_a_circle_are_told(home: Path) -> None:
    (home / ".ssh/config").write_text("Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n")
    with pytest.raises(ProfileError, match="the jump hosts of .* lead round in a circle"):
        connect(BoardProfile(name="desk", host="a"))


def test_a_proxy_command_leads_to_the_board(start: StartBoard, home: Path) -> None:
    board = start("board")
    trust_in(home, board)
    relay = home / "relay.py"
    relay.write_text(
        "import os, socket, sys, threading\n"
        "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "def up():\n"
        "    while data := os.read(0, 65536): s.sendall(data)\n"
        "threading.Thread(target=up, daemon=True).start()\n"
        "while data := s.recv(65536): os.write(1, data)\n"
    )
    (home / ".ssh/config").write_text(host_block("lab", board, f"ProxyCommand {sys.executable} {relay} %h %p"))
    assert says(BoardProfile(name="desk", host="lab")) == "here"
    (home / ".ssh/config").write_text(host_block("lab", board, "ProxyCommand /nowhere/relay %h"))
    with pytest.raises(BoardUnreachableError, match="ProxyCommand of desk in ~/.ssh/config cannot be started"):
        connect(BoardProfile(name="desk", host="lab"))


def test_a_key_that_only_the_agent_holds_lets_in(start: StartBoard, agent: AddKey) -> None:
    board = start("board")
    agent(board.folder / "client_key")
    (board.folder / "client_key").unlink()
    assert says(bare(board)) == "here"


def test_without_a_key_nobody_is_let_in(start: StartBoard, home: Path) -> None:
    with pytest.raises(AuthenticationError, match="ssh-copy-id"):
        connect(bare(start("board")))


def test_keys_of_a_kind_that_nobody_knows_are_passed_over(
    start: StartBoard, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = start("board")
    trust_in(home, board)
    (home / ".ssh/garbage").write_text("not a key")
    key = dsa.generate_private_key(1024)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (home / ".ssh/dsa").write_bytes(pem)
    lines = ("IdentityFile ~/.ssh/garbage", "IdentityFile ~/.ssh/dsa")
    (home / ".ssh/config").write_text(host_block("lab-board", board, *lines))
    with socket.socket(socket.AF_UNIX) as nobody:  # an agent that hangs up
        monkeypatch.setenv("SSH_AUTH_SOCK", str(home / "agent"))
        nobody.bind(str(home / "agent"))
        nobody.listen()
        threading.Thread(target=lambda: nobody.accept()[0].close(), daemon=True).start()
        assert says(BoardProfile(name="desk", host="lab-board")) == "here"
    with pytest.raises(AuthenticationError, match="dsa of desk is not a private key"):
        connect(BoardProfile(name="desk", host="lab-board", identity_file=str(home / ".ssh/dsa")))


def test_a_default_key_of_the_user_lets_in(start: StartBoard, home: Path) -> None:
    board = start("board")
    (board.folder / "client_key").rename(home / ".ssh/id_ed25519")
    assert says(bare(board)) == "here"


@pytest.mark.parametrize("public_half", ["beside it", "inside it"])
def test_a_key_with_a_passphrase_that_the_agent_holds_lets_in(
    start: StartBoard, agent: AddKey, public_half: str
) -> None:
    board = start("board")
    agent(locked(board))
    if public_half == "inside it":
        (board.folder / "client_key.pub").unlink()
    assert says(board.profile) == "here"


def test_the_public_half_alone_names_a_key_of_the_agent(start: StartBoard, agent: AddKey) -> None:
    board = start("board")
    agent(board.folder / "client_key")
    (board.folder / "client_key").unlink()
    profile = msgspec.structs.replace(board.profile, identity_file=str(board.folder / "client_key.pub"))
    assert says(profile) == "here"


def test_a_named_key_is_the_only_one_that_is_offered(start: StartBoard, agent: AddKey, tmp_path: Path) -> None:
    board = start("board")
    agent(board.folder / "client_key")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    with pytest.raises(AuthenticationError):
        connect(msgspec.structs.replace(board.profile, identity_file=str(tmp_path / "other")))
    for index in range(8):  # more than a server lets anybody try
        key = tmp_path / f"agent{index}"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        agent(key)
    assert says(board.profile) == "here"


def test_a_key_with_a_passphrase_and_no_agent_says_how_to_unlock_it(
    start: StartBoard, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = start("board")
    key = locked(board)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(AuthenticationError, match=rf"The key {key} is protected by a passphrase. Unlock it \(ssh-add"):
        connect(board.profile)


@pytest.mark.timeout(60)
def test_a_passphrase_is_asked_for_on_a_terminal(start: StartBoard, home: Path, tmp_path: Path) -> None:
    board = start("board")
    locked(board)
    profile = board.profile
    script = (
        "from edgeproof.config.boards import BoardProfile\nfrom edgeproof.board.ssh.transport import connect\n"
        f"profile = BoardProfile(name='desk', host={profile.host!r}, port={profile.port}, user={profile.user!r}, "
        f"identity_file={profile.identity_file!r}, known_hosts={profile.known_hosts!r})\n"
        "with connect(profile): print('let in')\n"
    )
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", script])
    output = b""
    answers = [b"wrong\n", PASSPHRASE.encode() + b"\n"]
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        output += data
        if answers and output.count(b"Passphrase of") == 3 - len(answers):
            os.write(terminal, answers.pop(0))
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, output
    assert b"let in" in output
    assert PASSPHRASE.encode() not in output


def test_a_board_on_ipv6_and_another_port_is_reached_and_trusted(start: StartBoard, home: Path) -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6 loopback: a board on IPv6 was not tested")
    board = start("board", "::1")
    (board.folder / "client_key").rename(home / ".ssh/id_ed25519")
    target = f"{board.profile.user}@[::1]:{board.profile.port}"
    with pytest.raises(HostKeyError) as refused:
        connect(parse_target(target))
    run_named_command(str(refused.value))
    assert (home / ".ssh/known_hosts").read_text().startswith(f"[::1]:{board.profile.port} ")
    assert says(parse_target(target)) == "here"
    jumped = start("jumped")
    trust_in(home, board, jumped)
    (home / ".ssh/config").write_text(host_block("inside", jumped, f"ProxyJump {target}"))
    assert says(BoardProfile(name="desk", host="inside")) == "here"


def test_no_connection_of_a_jump_host_outlives_a_failure(
    start: StartBoard, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jump, board = start("jump"), start("board")
    trust_in(home, jump)
    (home / ".ssh/config").write_text(host_block("gate", jump) + host_block("inside", board, "ProxyJump gate"))
    hops: list[route.Hop] = []
    log_in = route.Hop.log_in

    def noted_log_in(hop: route.Hop) -> paramiko.Transport:
        hops.append(hop)
        return log_in(hop)

    monkeypatch.setattr(route.Hop, "log_in", noted_log_in)
    with pytest.raises(HostKeyError):
        connect(BoardProfile(name="desk", host="inside"))
    assert [hop.profile.host for hop in hops] == ["inside", "gate"]
    assert [hop.client.get_transport() for hop in hops] == [None, None]
