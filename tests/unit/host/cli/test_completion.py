"""The Tab key, in the shells themselves: what `edgeproof help shell` says to put into their files completes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgeproof.cli.help import topic_text


def need(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    return found


def environment(tmp_path: Path) -> dict[str, str]:
    """A PATH on which `edgeproof` is the one that is installed beside this Python."""
    folder = Path(sys.executable).parent
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}


def set_up(shell: str) -> str:
    """The line of the topic, as far as it is put into the shell's own file."""
    found = re.search(rf"^{shell} +(.+)$", topic_text("shell"), re.MULTILINE)
    assert found is not None
    quoted = re.fullmatch(r"echo '(.+)' >> \S+", found[1])
    return quoted[1] if quoted else found[1]


def run(command: list[str], tmp_path: Path) -> str:
    done = subprocess.run(command, env=environment(tmp_path), cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["edgeproof", "prov"], {"provision"}),
        (["edgeproof", "board", "d"], {"doctor"}),
        (["edgeproof", "push", "--can"], {"--canary", "--canary-for"}),
    ],
)
def test_bash_completes(words: list[str], found: set[str], tmp_path: Path) -> None:
    script = (
        f"{set_up('bash')}\ncomplete -p edgeproof >&2 || exit 9\n"
        f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}\n"
        'function=$(complete -p edgeproof | sed -E "s/.*-F ([^ ]+).*/\\1/"); "$function" edgeproof\n'
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    assert set(run([need("bash"), "--norc", "-c", script], tmp_path).split()) == found


def test_zsh_completes(tmp_path: Path) -> None:
    """In a zsh of its own on a terminal (zpty), where the Tab key is pressed."""
    script = f"""
zmodload zsh/zpty
zpty shell "{need("zsh")} -f -i"
zpty -w shell 'PS1=READY; autoload -Uz compinit; compinit -u; {set_up("zsh")}; echo SE''T'
zpty -r -m shell line '*SET*' || exit 9
zpty -w -n shell $'edgeproof provi\\t'
zpty -r -m shell line '*provision*' || exit 8
print -r -- "${{line}}"
zpty -d shell
"""
    assert "provision" in run([need("zsh"), "-f", "-c", script], tmp_path)


@pytest.mark.parametrize(("line", "found"), [("edgeproof prov", {"provision"}), ("edgeproof board d", {"doctor"})])
def test_fish_completes(line: str, found: set[str], tmp_path: Path) -> None:
    (tmp_path / ".config/fish/completions").mkdir(parents=True)
    script = f"{set_up('fish')}\ncomplete -C '{line}'"
    told = run([need("fish"), "-c", script], tmp_path)
    assert {row.split("\t")[0] for row in told.splitlines()} == found
