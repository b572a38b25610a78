"""Why a board can have no TFLite runtime, and what would help there. Pure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgeproof.board.facts import BoardFacts

if TYPE_CHECKING:
    from edgeproof.board.runtime.releases import RuntimeRelease

_64_BIT = ("aarch64", "x86_64")


def no_runtime_words(
    facts: BoardFacts, board: str, name: str, fitting: Sequence[str], releases: Sequence["RuntimeRelease"]
) -> str:
    """`name` is the runtime that was asked for, empty for any; `fitting` names those that the board can have."""
    wanted = f"no wheel of {name}" if name else "no wheel of a TFLite runtime"
    board_is = f"{board} is {facts.arch} with Python {facts.python_version} and {_libc(facts)}"
    named = [release for release in releases if not name or release.name == name]
    known = [release for release in named if facts.arch in release.architectures]
    lines = [f"{wanted} for this board: {board_is}."]
    lines += [
        f"  {release.name} {release.version} has wheels for {' and '.join(release.architectures)}, Python "
        f"{_version(release.pythons[0])} to {_version(release.pythons[1])}, "
        f"glibc {_version(release.glibc)} or newer"
        for release in known or named
    ]
    if fitting:
        return "\n".join([*lines, f"This board can have {' or '.join(fitting)}: name it with --runtime."])
    return "\n".join([*lines, _remedy(facts, [item for item in releases if facts.arch in item.architectures])])


def is_free_threaded(facts: BoardFacts) -> bool:
    """Of a Python without the global lock (`cpython-313t-...`), which takes no usual wheel."""
    return facts.soabi.partition("-")[2].partition("-")[0].endswith("t")


def _remedy(facts: BoardFacts, known: Sequence["RuntimeRelease"]) -> str:
    """`known` are the releases for this architecture."""
    if not known:
        if facts.arch in ("armv6l", "i686"):
            return (
                "Neither runtime is published for this processor. A 64-bit system helps where the processor has 64 "
                "bits (a Pi Zero 2, 3 or newer; not a Pi 1 or Zero)."
            )
        return "Neither runtime is published for this processor: another board helps, and nothing on this one."
    if facts.glibc is None:
        return (
            "All of them need glibc, which a system on musl (Alpine, OpenWrt) does not have, whatever its Python. "
            "What helps: Debian, Ubuntu or Raspberry Pi OS on this board; or one of them in a chroot or container "
            "there with an SSH server of its own, which edgeproof takes for a board."
        )
    if is_free_threaded(facts):
        return f"This is a free-threaded Python, which takes none of them. {_another_python(known)}"
    if all(facts.glibc < release.glibc for release in known):
        oldest = _version(min(release.glibc for release in known))
        return f"This system is too old for all of them: a newer release of it brings glibc {oldest} or newer."
    if facts.arch not in _64_BIT:
        return (
            "What helps: a 64-bit system, where the processor has 64 bits (a Pi Zero 2, 3 or newer); or the 32-bit "
            "system of Debian 12 (Raspberry Pi OS Bookworm), whose Python 3.11 has a wheel, in a chroot, too. Python "
            "3.11 alone beside this one does not: NumPy and OpenCV come from the distribution, for its own Python."
        )
    return _another_python([release for release in known if facts.glibc >= release.glibc])


def _another_python(known: Sequence["RuntimeRelease"]) -> str:
    first = min(release.pythons[0] for release in known)
    last = max(release.pythons[1] for release in known)
    return (
        f"What helps: a usual Python {_version(first)} to {_version(last)} beside this one, of the distribution, of "
        "conda, pyenv or uv (`uv python install 3.11` needs no root). edgeproof.toml names it: "
        'python = "/usr/bin/python3.11"'
    )


def _libc(facts: BoardFacts) -> str:
    if facts.glibc is not None:
        return f"glibc {_version(facts.glibc)}"
    return "musl instead of glibc" if facts.soabi.endswith("-musl") else "a libc other than glibc"


def _version(numbers: tuple[int, int]) -> str:
    return f"{numbers[0]}.{numbers[1]}"
