"""Asks the board's systemd: the login user's manager, or the system's, which needs root."""

import os
import pwd
import shlex
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Callable, NamedTuple, Optional

from edgeproof_agent.machine.kernel_files import read_value
from edgeproof_agent.store.objects import StoreError, replace_file, sync
from edgeproof_agent.store.services.description import USER
from edgeproof_agent.store.services.units import unit_folder

_COMMAND_SECONDS = 60.0
_MANAGER_SECONDS = 20.0
_SYSTEM_UNITS = Path("/etc/systemd/system")
_OUTPUT_BYTES = 1 << 16
STATE = ("ActiveState", "SubState", "Result", "NRestarts", "StatusText", "UnitFileState", "MainPID", "LoadState")


class Answer(NamedTuple):
    code: int
    output: str
    complaint: str


Run = Callable[[Sequence[str], Mapping[str, str]], Answer]


def run_command(command: Sequence[str], environment: Mapping[str, str]) -> Answer:
    """A program that is missing or hangs is an answer, too."""
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_COMMAND_SECONDS,
            env={**os.environ, **environment, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        return Answer(127, "", f"{command[0]} is not installed")
    except subprocess.TimeoutExpired:
        return Answer(124, "", f"{command[0]} did not end within {_COMMAND_SECONDS:g} s")
    except OSError as error:
        return Answer(126, "", f"{command[0]}: {error.strerror}")
    output, complaint = (data[-_OUTPUT_BYTES:].decode("utf-8", errors="replace") for data in (done.stdout, done.stderr))
    return Answer(done.returncode, output, complaint.strip())


class Systemd:
    """One scope of one board. Raises `StoreError` of the kinds nosystemd, linger, sudo, service."""

    def __init__(self, scope: str, root: Path = Path("/"), run: Run = run_command) -> None:
        self._scope = scope
        self._root = root
        self._run = run
        self._user = pwd.getpwuid(os.geteuid()).pw_name
        self._home = Path("~").expanduser()

    @property
    def user(self) -> str:
        return self._user

    @property
    def booted(self) -> bool:
        """Whether systemd has started this board: sd_booted(3)."""
        return (self._root / "run/systemd/system").is_dir()

    def require(self, command: Sequence[str]) -> None:
        """`command` is what another init would have to run."""
        if self.booted:
            return
        first = read_value(self._root / "proc/1/comm") or "unknown"
        raise StoreError(
            "nosystemd",
            f"this board was not started by systemd, which keeps a service: its first program is {first}. "
            f"What its own init has to run, and to start again when it ends: {shlex.join(command)}",
        )

    def require_lasting(self) -> None:
        """A user's manager must run without a login: it is asked to linger where it does not."""
        if self._scope != USER:
            self._checked(["true"], "run a command as root")
            return
        if not self.lingers():
            self._run(["loginctl", "enable-linger"], self._environment())
        if not self.lingers():
            self._run(["sudo", "-n", "loginctl", "enable-linger", self._user], {})
        if not self.lingers():
            raise StoreError(
                "linger",
                f"services of {self._user} end with the last login, and this login may not change that",
            )
        end = time.monotonic() + _MANAGER_SECONDS
        while not self._manager_socket().exists():
            if time.monotonic() >= end:
                raise StoreError("linger", f"no systemd runs for {self._user}: {self._manager_socket()} is not there")
            time.sleep(0.1)

    def lingers(self) -> bool:
        """Whether the user's manager is started at boot, and stays after a logout."""
        return (self._root / "var/lib/systemd/linger" / self._user).exists()

    def write_unit(self, name: str, text: str) -> None:
        if self._scope == USER:
            folder = unit_folder(self._home)
            folder.mkdir(parents=True, exist_ok=True)
            replace_file(folder / name, text.encode(), 0o644)
        else:
            with tempfile.NamedTemporaryFile("w", suffix=".service") as file:
                file.write(text)
                file.flush()
                self._checked(["install", "-m", "644", file.name, str(_SYSTEM_UNITS / name)], "write the unit")
        self.control("daemon-reload")

    def drop_unit(self, name: str) -> None:
        """A unit that is not there is no error."""
        if self._scope == USER:
            path = unit_folder(self._home) / name
            if path.exists():
                path.unlink()
                sync(path.parent)
        else:
            self._checked(["rm", "-f", str(_SYSTEM_UNITS / name)], "remove the unit")
        self.control("daemon-reload")

    def control(self, *words: str) -> None:
        self._checked(["systemctl", *self._scope_word(), *words], f"systemctl {' '.join(words)}")

    def state(self, name: str) -> dict[str, str]:
        """The unit's properties of `STATE` that systemd tells; none where it does not answer."""
        command = ["systemctl", *self._scope_word(), "show", name, *(f"--property={word}" for word in STATE)]
        answer = self._run(command, self._environment())
        pairs = (line.partition("=") for line in answer.output.splitlines())
        return {key: value for key, _, value in pairs if key in STATE}

    def journal(self, name: str, lines: int) -> Optional[str]:
        """The last lines; None where this login may not read them, or there are none."""
        words = ["--user-unit" if self._scope == USER else "--unit", name]
        command = ["journalctl", "--quiet", "--no-pager", "--output=short-iso", f"--lines={lines}", *words]
        answer = self._run(command, self._environment())
        return answer.output if answer.code == 0 and answer.output.strip() else None

    def _checked(self, command: Sequence[str], what: str) -> None:
        as_root = self._scope != USER and os.geteuid() != 0
        answer = self._run(["sudo", "-n", *command] if as_root else command, self._environment())
        if answer.code == 0:
            return
        if as_root and (answer.code == 127 or "sudo:" in answer.complaint):
            raise StoreError("sudo", f"this login may not {what} without a password: {answer.complaint}")
        raise StoreError("service", f"could not {what}: {answer.complaint or f'exit status {answer.code}'}")

    def _scope_word(self) -> list[str]:
        return ["--user"] if self._scope == USER else []

    def _runtime_folder(self) -> Path:
        return self._root / "run/user" / str(os.geteuid())

    def _manager_socket(self) -> Path:
        return self._runtime_folder() / "systemd/private"

    def _environment(self) -> dict[str, str]:
        """A login over SSH without PAM is not told where its manager is."""
        return {"XDG_RUNTIME_DIR": str(self._runtime_folder())} if self._scope == USER else {}
