"""Who talks to whom: host keys, login keys, and a board that is not there."""

import socket
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import paramiko
import pytest

from edgeproof.board.link.deadline import Deadline
from edgeproof.board.ssh.transport import connect
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import AuthenticationError, BoardUnreachableError, HostKeyError
from tests.support.boards.ssh_servers import Server, write_config


def changed(profile: BoardProfile, **fields: object) -> BoardProfile:
    return msgspec.structs.replace(profile, **fields)


def host_fingerprint(server: Server) -> str:
    return paramiko.PKey.from_path(server.folder / "host_key").fingerprint


def run_cli(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "edgeproof", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_a_command_runs_in_the_boards_home_and_its_status_comes_back(server: Server) -> None:
    with connect(server.profile) as transport:
        channel = transport.open("echo $HOME; cat; echo oops >&2; exit 7")
        deadline = Deadline(20, "the test")
        channel.send(b"x" * 300_000, deadline)
        channel.end_input()
        received = b""
        while data := channel.receive(65536, deadline):
            received += data
        assert received == f"{server.home}\n".encode() + b"x" * 300_000
        assert channel.wait(deadline).code == 7
        assert channel.error_output.tail() == "oops"


def test_the_connection_has_nodelay_and_a_gcm_cipher(server: Server) -> None:
    with connect(server.profile) as transport:
        inner = transport._transport
        assert isinstance(inner.sock, socket.socket)
        assert inner.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert "gcm" in inner.local_cipher


def test_an_error_output_that_nobody_reads_does_not_block(server: Server) -> None:
    with connect(server.profile) as transport:
        channel = transport.open("head -c 8000000 /dev/zero | tr '\\0' 'e' >&2; echo done")
        assert channel.receive(10, Deadline(30, "the test")) == b"done\n"
        channel.close()


def test_an_unknown_host_key_is_refused_and_the_command_that_is_named_trusts_it(server: Server, tmp_path: Path) -> None:
    profile = changed(server.profile, known_hosts=str(tmp_path / "known_hosts"), name="desk")
    with pytest.raises(HostKeyError) as refused:
        connect(profile)
    fingerprint = host_fingerprint(server)
    assert "is not known, so the connection is refused" in str(refused.value)
    assert f"edgeproof board trust desk --fingerprint {fingerprint}" in str(refused.value)
    assert not (tmp_path / "known_hosts").exists()

    write_config(tmp_path, profile)
    wrong = run_cli(tmp_path, "board", "trust", "desk", "--fingerprint", "SHA256:" + "A" * 43)
    assert wrong.returncode == 2
    assert "nothing was trusted" in wrong.stderr
    assert not (tmp_path / "known_hosts").exists()
    trusted = run_cli(tmp_path, "board", "trust", "desk", "--fingerprint", fingerprint)
    assert trusted.returncode == 0, trusted.stderr
    connect(profile).close()


def test_a_changed_host_key_is_refused_with_both_fingerprints(server: Server, tmp_path: Path) -> None:
    other = paramiko.Ed25519Key.from_private_key_file(str(server.folder / "client_key"))
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.profile.port} {other.get_name()} {other.get_base64()}\n")
    profile = changed(server.profile, known_hosts=str(known), name="desk")
    with pytest.raises(HostKeyError) as refused:
        connect(profile)
    assert "HAS CHANGED" in str(refused.value)
    assert other.fingerprint in str(refused.value)
    assert f"edgeproof board trust desk --fingerprint {host_fingerprint(server)}" in str(refused.value)

    write_config(tmp_path, profile)
    assert run_cli(tmp_path, "board", "trust", "desk", "--fingerprint", host_fingerprint(server)).returncode == 0
    connect(profile).close()
    assert len(known.read_text().splitlines()) == 1


def test_trust_asks_before_it_trusts(server: Server, tmp_path: Path) -> None:
    write_config(tmp_path, changed(server.profile, known_hosts=str(tmp_path / "known_hosts")))
    command = [sys.executable, "-m", "edgeproof", "board", "trust", "desk"]
    refused = subprocess.run(command, cwd=tmp_path, input="n\n", capture_output=True, text=True, timeout=60)
    assert refused.returncode != 0
    assert host_fingerprint(server) in refused.stdout
    assert not (tmp_path / "known_hosts").exists()


def test_a_wrong_key_is_refused_with_what_to_do(server: Server, tmp_path: Path) -> None:
    key = paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(tmp_path / "stranger"))
    with pytest.raises(AuthenticationError) as refused:
        connect(changed(server.profile, identity_file=str(tmp_path / "stranger")))
    assert f"does not let {server.profile.user} in with the keys that were offered" in str(refused.value)
    assert "ssh-copy-id" in str(refused.value)


def test_a_key_file_that_is_not_there_is_named(server: Server, tmp_path: Path) -> None:
    with pytest.raises(AuthenticationError, match=r"the key .*missing of .* is not there"):
        connect(changed(server.profile, identity_file=str(tmp_path / "missing")))


def test_a_key_with_a_passphrase_says_how_to_unlock_it(server: Server, tmp_path: Path) -> None:
    paramiko.ECDSAKey.generate().write_private_key_file(str(tmp_path / "locked"), password="secret")
    with pytest.raises(AuthenticationError, match=r"is protected by a passphrase. Unlock it \(ssh-add"):
        connect(changed(server.profile, identity_file=str(tmp_path / "locked")))


def test_a_file_that_is_no_key_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "garbage").write_text("not a key")
    with pytest.raises(AuthenticationError, match="is not a private key"):
        connect(changed(server.profile, identity_file=str(tmp_path / "garbage")))


def test_a_port_where_nothing_listens_is_a_refused_connection() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(BoardUnreachableError) as refused:
        connect(BoardProfile(name="desk", host="127.0.0.1", user="pi", port=port))
    assert f"desk (127.0.0.1 port {port}) refuses the connection: nothing listens on that port" in str(refused.value)


def test_a_name_that_nobody_knows_is_no_such_board() -> None:
    with pytest.raises(BoardUnreachableError, match="no such board: the name 'no-such-board.invalid'"):
        connect(BoardProfile(name="desk", host="no-such-board.invalid", user="pi"))


def test_a_server_that_does_not_speak_ssh_is_told_within_a_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        profile = BoardProfile(name="desk", host="127.0.0.1", user="pi", port=listener.getsockname()[1])
        with pytest.raises(BoardUnreachableError, match="does not complete an SSH handshake"):
            connect(profile)
