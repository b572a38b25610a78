"""A PostgreSQL server of the distribution's packages: its own data, a socket in a folder, ended with the tests."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

USER = "postgres"


def find_programs() -> Path | None:
    """The folder of the newest `initdb` and `postgres`; None when there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    folders += [Path(found).parent for found in (shutil.which("initdb"),) if found]
    usable = [folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()]
    return usable[-1] if usable else None


@contextlib.contextmanager
def postgresql(programs: Path) -> Iterator[str]:
    """A SQLAlchemy URL of an empty database. The server refuses to run as root, so another user runs it then."""
    account = None
    if os.getuid() == 0:
        account = pwd.getpwnam(USER if _has(USER) else "nobody")
    with tempfile.TemporaryDirectory(prefix="ep-pg-") as name:  # a socket's path is 107 characters at most
        folder = Path(name)
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        run = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account is not None else {}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "cwd": folder, **run}
        data = folder / "data"
        command = [programs / "initdb", "-D", data, "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"]
        subprocess.run([str(word) for word in command], check=True, **quiet)  # type: ignore[call-overload]
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        control = [str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log")]
        subprocess.run([*control, "-o", options, "start"], check=True, **quiet)  # type: ignore[call-overload]
        try:
            yield f"postgresql+psycopg://{USER}@/postgres?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, **quiet)  # type: ignore[call-overload]


def _has(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
