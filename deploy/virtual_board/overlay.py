"""The files that the packages' scripts and an administrator would have made, as a tar archive for the root folder."""

import io
import tarfile
from collections.abc import Mapping

from deploy.virtual_board.recipe import HOST_NAME, USER, USER_ID, Suite

SSHD_CONFIG = "/etc/ssh/sshd_config_virtual"
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
AUTHORIZED_KEYS = f"/home/{USER}/.ssh/authorized_keys"

_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\n"
    "sshd:x:104:65534::/run/sshd:/usr/sbin/nologin\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    f"{USER}:x:{USER_ID}:{USER_ID}:{USER}:/home/{USER}:/bin/bash\n",
    "etc/group": f"root:x:0:\ntty:x:5:\nvideo:x:44:{USER}\nnogroup:x:65534:\n{USER}:x:{USER_ID}:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\n",
    "etc/hostname": f"{HOST_NAME}\n",
    "etc/hosts": f"127.0.0.1 localhost\n127.0.1.1 {HOST_NAME}\n",
    SSHD_CONFIG[1:]: f"HostKey {HOST_KEY}\nAllowUsers {USER} root\nAuthenticationMethods publickey\n"
    "PermitRootLogin prohibit-password\n"
    "UsePAM no\nUseDNS no\nPrintMotd no\nSubsystem sftp internal-sftp\n",
}
_SECRETS = {"etc/shadow": f"root:*:19000:0:99999:7:::\nsshd:*:19000::::::\n{USER}:*:19000:0:99999:7:::\n"}
_FOLDERS = {"tmp": 0o1777, "proc": 0o755, "sys": 0o755, "dev": 0o755, "run": 0o755, "root": 0o700, "root/.ssh": 0o700}
_HOME_FOLDERS = {f"home/{USER}": 0o755, f"home/{USER}/.ssh": 0o700}


def overlay_archive(suite: Suite) -> bytes:
    """An uncompressed tar archive, the same bytes at every call."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, mode in _FOLDERS.items():
            archive.addfile(_member(name, mode, tarfile.DIRTYPE))
        for name, mode in _HOME_FOLDERS.items():
            archive.addfile(_member(name, mode, tarfile.DIRTYPE, owner=USER_ID))
        _add_files(archive, _FILES, 0o644)
        _add_files(archive, _SECRETS, 0o600)
        for name, target in suite.links.items():
            member = _member(name, 0o777, tarfile.SYMTYPE)
            member.linkname = target
            archive.addfile(member)
    return buffer.getvalue()


def _add_files(archive: tarfile.TarFile, files: Mapping[str, str], mode: int) -> None:
    for name, text in files.items():
        data = text.encode()
        member = _member(name, mode, tarfile.REGTYPE)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))


def _member(name: str, mode: int, kind: bytes, owner: int = 0) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mode, member.type, member.uid, member.gid = mode, kind, owner, owner
    return member
