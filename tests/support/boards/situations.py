"""What can stand between a login and the first command, and the words that a user then sees."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Situation:
    name: str
    """As the table calls it."""
    words: str = ""
    """What the table says a user sees; empty where everything works."""
    shell: str = "bash"
    files: Mapping[str, str] = field(default_factory=dict)
    forced: str | None = None
    python: str = ""
    silent: bool = False
    """Whether nothing comes, so that time has to pass."""
    needs: str = ""
    """A program without which it cannot be tried."""


ENDED = "did not run a command: something else ended with exit status"
ANOTHER_SHELL = "a login file starts another shell or program"
NEEDS_PYTHON = "cannot start: the board needs Python 3.9 or newer"
WRAPPER = f'#!/bin/sh\nexec {sys.executable} "$@"\n'


def bashrc(text: str) -> dict[str, str]:
    return {".bashrc": f"{text}\n"}


LOGIN = (
    Situation("`~/.bashrc` prints", files=bashrc("echo Welcome; printf 'no newline'")),
    Situation("`~/.bashrc` prints to standard error", files=bashrc("echo Welcome >&2")),
    Situation("`~/.bashrc` takes a second", files=bashrc("sleep 1")),
    Situation("`~/.cshrc` prints", shell="tcsh", files={".cshrc": "echo Welcome\n"}),
    Situation("`~/.bashrc` ends with `exit 0`", f"{ENDED} 0", files=bashrc("exit 0")),
    Situation("`~/.bashrc` ends with `exit 1`", f"{ENDED} 1", files=bashrc("exit 1")),
    Situation("`~/.bashrc` ends with `exit 5`", f"{ENDED} 5", files=bashrc("exit 5")),
    Situation("`~/.bashrc` ends with `exit 127`", f"{ENDED} 127", files=bashrc("exit 127")),
    Situation("`~/.zshenv` ends with `exit 3`", f"{ENDED} 3", shell="zsh", files={".zshenv": "exit 3\n"}),
    Situation("`exec zsh` in `~/.bashrc`", ANOTHER_SHELL, files=bashrc("exec zsh"), silent=True, needs="zsh"),
    Situation("`exec fish` in `~/.bashrc`", ANOTHER_SHELL, files=bashrc("exec fish"), silent=True, needs="fish"),
    Situation(
        "`exec bash` in `~/.cshrc`", ANOTHER_SHELL, shell="tcsh", files={".cshrc": "exec bash --norc\n"}, silent=True
    ),
    Situation("`read` in `~/.bashrc`", ANOTHER_SHELL, files=bashrc("read answer; exit 1"), silent=True),
    Situation(
        "`exec tmux` in `~/.bashrc`",
        "starts a program that wants a terminal instead of a command",
        files=bashrc("exec tmux"),
        needs="tmux",
    ),
    Situation(
        "`sleep 1000` in `~/.bashrc`", "a login file waits for something", files=bashrc("sleep 1000"), silent=True
    ),
    Situation("`~/.bashrc` prints without an end", "prints without an end", files=bashrc("yes Welcome")),
    Situation("the login shell is `nologin`", "gives this user no login shell", shell="/usr/sbin/nologin"),
    Situation("the login shell is `false`", f"{ENDED} 1", shell="/bin/false"),
    Situation("`ForceCommand` prints", f"{ENDED} 0 and said: backup done", forced="echo backup done"),
    Situation(
        "`ForceCommand` reads", "runs something that reads its input instead of a command", forced="cat", silent=True
    ),
    Situation("`ForceCommand internal-sftp`", "lets this user transfer files only", forced="internal-sftp"),
)

PYTHON = (
    Situation('`python = "~/py"`, a link to Python', python="~/py", files={"py": WRAPPER}),
    Situation("`python` names nothing", NEEDS_PYTHON, python="/nowhere/python3"),
    Situation("`python` names a file that cannot be run", NEEDS_PYTHON, python="~/.ssh/authorized_keys"),
    Situation(
        "`python` is a wrapper that prints",
        "does not speak edgeproof's protocol: it prints 'Loading environment'",
        python="~/py",
        files={"py": WRAPPER.replace("exec", "echo Loading environment; exec")},
    ),
    Situation(
        "`python` is a wrapper that ends with 0",
        "died: exit status 0",
        python="~/py",
        files={"py": "#!/bin/sh\nexit 0\n"},
    ),
    Situation(
        "`python` is a wrapper that ends with 5",
        "died: exit status 5",
        python="~/py",
        files={"py": "#!/bin/sh\nexit 5\n"},
    ),
    Situation("`python` is a shell", "died: exit status", python="/bin/sh"),
)
