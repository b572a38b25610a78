"""Trusting a key writes it to known_hosts and leaves the rest of that file alone; anything else is refused in words."""

import shutil
import subprocess
from pathlib import Path

import paramiko
import pytest
from paramiko.hostkeys import HostKeys

from edgeproof.board.ssh.host_keys import (
    RefuseUnknownHostKey,
    changed_host_key,
    known_hosts_name,
    known_hosts_path,
    trust,
    trust_command,
)
from edgeproof.config.boards import BoardProfile, parse_target
from edgeproof.errors import HostKeyError

OLD, NEW, OTHER = (paramiko.ECDSAKey.generate() for _ in range(3))


@pytest.fixture
def known_hosts(tmp_path: Path) -> Path:
    return tmp_path / "ssh" / "known_hosts"


@pytest.fixture
def profile(known_hosts: Path) -> BoardProfile:
    return BoardProfile(host="pi.local", name="pi", known_hosts=str(known_hosts))


def line_of(host: str, key: paramiko.PKey) -> str:
    return f"{host} {key.get_name()} {key.get_base64()}"


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def keys_of(path: Path, name: str) -> list[str]:
    """The keys that paramiko accepts for a host."""
    found = HostKeys(str(path)).lookup(name)
    return [key.get_base64() for key in found.values()] if found else []


def test_a_first_key_is_written_to_a_file_that_is_the_users_alone(profile: BoardProfile, known_hosts: Path) -> None:
    assert trust(profile, "pi.local", 22, NEW) == known_hosts
    assert known_hosts.read_text() == line_of("pi.local", NEW) + "\n"
    assert known_hosts.stat().st_mode & 0o777 == 0o600
    assert known_hosts.parent.stat().st_mode & 0o777 == 0o700


def test_a_changed_key_is_replaced_and_every_other_line_stays(profile: BoardProfile, known_hosts: Path) -> None:
    kept = [
        "# pi.local was set up in May",
        "",
        line_of("other.local", OTHER) + " a comment",
        line_of("pi.local.example", OTHER),
        line_of("@revoked pi.local", OTHER),
        "a line that nobody understands",
        line_of("[pi.local]:2222", OTHER),
    ]
    write(known_hosts, *kept[:3], line_of("pi.local", OLD) + " old", *kept[3:])
    trust(profile, "pi.local", 22, NEW)
    assert known_hosts.read_text().splitlines() == [*kept, line_of("pi.local", NEW)]


def test_trusting_twice_changes_nothing_more(profile: BoardProfile, known_hosts: Path) -> None:
    write(known_hosts, "# mine", line_of("other", OTHER))
    for _ in range(3):
        trust(profile, "pi.local", 22, NEW)
    assert known_hosts.read_text().splitlines() == ["# mine", line_of("other", OTHER), line_of("pi.local", NEW)]


def test_a_host_that_shares_its_line_is_taken_out_of_it(profile: BoardProfile, known_hosts: Path) -> None:
    write(known_hosts, line_of("pi.local,10.0.0.7", OLD) + " both")
    trust(profile, "pi.local", 22, NEW)
    assert keys_of(known_hosts, "pi.local") == [NEW.get_base64()]
    assert keys_of(known_hosts, "10.0.0.7") == [OLD.get_base64()]
    assert known_hosts.read_text().splitlines()[0].endswith(" both")


def test_a_host_with_keys_of_several_kinds_keeps_the_trusted_one_alone(
    profile: BoardProfile, known_hosts: Path
) -> None:
    rsa = paramiko.RSAKey.generate(2048)
    write(known_hosts, line_of("pi.local", rsa), line_of("pi.local", OLD))
    trust(profile, "pi.local", 22, NEW)
    assert keys_of(known_hosts, "pi.local") == [NEW.get_base64()]


def test_a_last_line_without_an_end_is_kept(profile: BoardProfile, known_hosts: Path) -> None:
    known_hosts.parent.mkdir()
    known_hosts.write_text(line_of("other", OTHER))
    trust(profile, "pi.local", 22, NEW)
    assert keys_of(known_hosts, "other") == [OTHER.get_base64()]
    assert keys_of(known_hosts, "pi.local") == [NEW.get_base64()]


@pytest.mark.parametrize(("host", "port"), [("pi.local", 22), ("pi.local", 2222), ("10.0.0.7", 22), ("::1", 2222)])
def test_entries_that_ssh_keygen_hashed_are_replaced(
    profile: BoardProfile, known_hosts: Path, host: str, port: int
) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("OpenSSH's ssh-keygen is not installed: its hashed entries were not tested")
    name = known_hosts_name(host, port)
    write(known_hosts, line_of(name, OLD), line_of("other.local", OTHER))
    subprocess.run(["ssh-keygen", "-H", "-f", known_hosts], check=True, capture_output=True)
    assert name not in known_hosts.read_text()
    trust(profile, host, port, NEW)
    assert keys_of(known_hosts, name) == [NEW.get_base64()]
    assert keys_of(known_hosts, "other.local") == [OTHER.get_base64()]
    assert len(known_hosts.read_text().splitlines()) == 2


@pytest.mark.parametrize("line", ["|1|x|y ssh-rsa AAAA", "|1| k", "|1|", "|1|AAAA|BBBB ssh-rsa", "|1|%%|%% a b"])
def test_a_hash_that_nobody_made_is_left_alone(profile: BoardProfile, known_hosts: Path, line: str) -> None:
    write(known_hosts, line)
    trust(profile, "pi.local", 22, NEW)
    assert known_hosts.read_text().splitlines() == [line, line_of("pi.local", NEW)]


def test_a_comment_in_another_encoding_survives(profile: BoardProfile, known_hosts: Path) -> None:
    known_hosts.parent.mkdir()
    known_hosts.write_bytes(b"# B\xfcro\r\n")
    trust(profile, "pi.local", 22, NEW)
    assert known_hosts.read_bytes().startswith(b"# B\xfcro\r\npi.local ")


def test_a_known_hosts_that_is_a_link_stays_one(profile: BoardProfile, known_hosts: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles"
    real.write_text("")
    real.chmod(0o644)
    known_hosts.parent.mkdir()
    known_hosts.symlink_to(real)
    trust(profile, "pi.local", 22, NEW)
    assert known_hosts.is_symlink()
    assert keys_of(real, "pi.local") == [NEW.get_base64()]
    assert real.stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dotfiles", "ssh"]


def test_another_port_is_another_name() -> None:
    assert known_hosts_name("pi", 22) == "pi"
    assert known_hosts_name("pi", 2222) == "[pi]:2222"


def test_the_file_is_that_of_ssh_itself_unless_the_profile_names_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert known_hosts_path(parse_target("pi@pi")) == Path("/home/me/.ssh/known_hosts")
    assert known_hosts_path(BoardProfile(host="pi", known_hosts="~/boards")) == Path("/home/me/boards")


def test_an_unknown_key_is_refused_with_its_fingerprint_and_the_command_that_trusts_it() -> None:
    profile = parse_target("pi@pi.local:2222")
    with pytest.raises(HostKeyError) as caught:
        RefuseUnknownHostKey(profile).missing_host_key(paramiko.SSHClient(), "[pi.local]:2222", NEW)
    assert str(caught.value) == (
        "the host key of pi@pi.local:2222 ([pi.local]:2222) is not known, so the connection is refused.\n"
        f"Its ecdsa-sha2-nistp256 fingerprint is {NEW.fingerprint}\n"
        "Compare that with what the board shows (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub). If it is the same, "
        f"trust it with:\n  edgeproof board trust pi@pi.local:2222 --fingerprint {NEW.fingerprint}"
    )
    assert NEW.fingerprint.startswith("SHA256:")


def test_a_changed_key_is_refused_with_both_fingerprints_and_the_command_that_trusts_the_new_one(
    profile: BoardProfile,
) -> None:
    message = str(changed_host_key(profile, "pi.local", OLD, NEW))
    assert message == (
        "the host key of pi (pi.local) HAS CHANGED, so the connection is refused.\n"
        f"Known is     ecdsa-sha2-nistp256 {OLD.fingerprint}\n"
        f"It now shows ecdsa-sha2-nistp256 {NEW.fingerprint}\n"
        "Either the board was set up anew, or somebody answers in its place. If you know that it was set up anew:\n"
        f"  edgeproof board trust pi --fingerprint {NEW.fingerprint}"
    )


def test_a_name_with_blanks_is_quoted_in_the_command() -> None:
    profile = BoardProfile(host="h", name="my board; rm -rf")
    assert trust_command(profile, NEW) == f"edgeproof board trust 'my board; rm -rf' --fingerprint {NEW.fingerprint}"
