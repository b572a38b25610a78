"""Which TFLite runtime a board gets, and what it is told when there is none."""

import itertools
import re
from collections.abc import Iterable

import pytest

from edgeproof.board.facts import BoardFacts, parse_facts
from edgeproof.board.runtime.releases import (
    RELEASES,
    RUNTIME_NAMES,
    RuntimeRelease,
    choose_releases,
    fitting_releases,
    require_distribution_packages,
)
from edgeproof.errors import NoRuntimeError, ProvisionError
from edgeproof_agent.store.runtime_build import SYSTEM_PACKAGES_LINE
from edgeproof_agent.wire.fields import Fields
from tests.support.boards import profiles as boards

OLD, NEW = (2, 31), (2, 36)


def facts_with(
    python: tuple[int, int], arch: str = "aarch64", glibc: tuple[int, int] | None = NEW, abi: str = ""
) -> BoardFacts:
    minor = f"{python[0]}{python[1]}"
    return parse_facts(
        Fields(
            boards.probe_of(
                machine=arch,
                python=f"{python[0]}.{python[1]}.4",
                soabi=f"cpython-{minor}{abi}-{arch}-linux-gnu",
                libc=f"glibc {glibc[0]}.{glibc[1]}" if glibc else "",
            )
        )
    )


def names_of(releases: Iterable[RuntimeRelease]) -> list[str]:
    return [f"{release.name} {release.version}" for release in releases]


@pytest.mark.parametrize("arch", ["aarch64", "x86_64"])
@pytest.mark.parametrize(
    ("python", "glibc", "expected"),
    [
        ((3, 8), NEW, []),
        ((3, 9), NEW, ["tflite-runtime 2.14.0", "ai-edge-litert 1.4.0"]),
        ((3, 10), NEW, ["tflite-runtime 2.14.0", "ai-edge-litert 2.3.0"]),
        ((3, 11), NEW, ["tflite-runtime 2.14.0", "ai-edge-litert 2.3.0"]),
        ((3, 12), NEW, ["ai-edge-litert 2.3.0"]),
        ((3, 13), NEW, ["ai-edge-litert 2.3.0"]),
        ((3, 14), NEW, []),
        ((3, 9), OLD, ["tflite-runtime 2.13.0", "ai-edge-litert 1.4.0"]),
        ((3, 10), OLD, ["tflite-runtime 2.13.0", "ai-edge-litert 1.4.0"]),
        ((3, 11), OLD, ["ai-edge-litert 1.4.0"]),
        ((3, 12), OLD, ["ai-edge-litert 1.4.0"]),
        ((3, 13), OLD, []),
        ((3, 11), (2, 16), []),
        ((3, 11), None, []),
    ],
)
def test_the_newest_release_that_fits_is_chosen(
    python: tuple[int, int], glibc: tuple[int, int] | None, expected: list[str], arch: str
) -> None:
    assert names_of(fitting_releases(facts_with(python, arch, glibc))) == expected


@pytest.mark.parametrize("arch", ["armv6l", "i686", "riscv64", ""])
def test_no_runtime_fits_another_architecture(arch: str) -> None:
    for minor in range(9, 14):
        assert fitting_releases(facts_with((3, minor), arch)) == []


@pytest.mark.parametrize(
    ("python", "glibc", "expected"),
    [
        ((3, 9), OLD, ["tflite-runtime 2.13.0"]),
        ((3, 11), NEW, ["tflite-runtime 2.14.0"]),
        ((3, 11), OLD, []),
        ((3, 13), (2, 41), []),
    ],
)
def test_32_bit_arm_gets_tflite_runtime_with_the_distributions_numpy_and_opencv(
    python: tuple[int, int], glibc: tuple[int, int], expected: list[str]
) -> None:
    releases = fitting_releases(facts_with(python, "armv7l", glibc))
    assert names_of(releases) == expected
    for release in releases:
        assert release.needs_distribution_packages
        assert "numpy" not in release.lock
        assert release.lock.splitlines()[0] == SYSTEM_PACKAGES_LINE


def test_a_32_bit_userland_on_a_64_bit_kernel_counts_as_32_bit() -> None:
    assert names_of(fitting_releases(parse_facts(Fields(boards.PI_4_RASPBIAN_32_BIT)))) == ["tflite-runtime 2.13.0"]


@pytest.mark.parametrize(
    ("there", "line"),
    [
        ([], "python3-numpy and python3-opencv are missing for /usr/bin/python3. Run on the board, then try again:\n"
             "  sudo apt install python3-numpy python3-opencv"),
        (["numpy"], "python3-opencv is missing for /usr/bin/python3. Run on the board, then try again:\n"
                    "  sudo apt install python3-opencv"),
    ],
)  # fmt: skip
def test_a_32_bit_board_is_told_the_apt_line_of_what_is_missing(there: list[str], line: str) -> None:
    facts = parse_facts(Fields({**boards.PI_4_RASPBIAN_32_BIT, "system_modules": there}))
    with pytest.raises(ProvisionError) as caught:
        require_distribution_packages(fitting_releases(facts)[0], facts, "pi")
    assert str(caught.value) == (
        "pi is armv7l, for which there are no wheels of NumPy and OpenCV: its distribution brings them, and " + line
    )


def test_what_is_not_taken_from_the_distribution_need_not_be_there() -> None:
    complete = parse_facts(Fields({**boards.PI_4_RASPBIAN_32_BIT, "system_modules": ["numpy", "cv2"]}))
    require_distribution_packages(fitting_releases(complete)[0], complete, "pi")
    require_distribution_packages(fitting_releases(facts_with((3, 11)))[0], facts_with((3, 11)), "pi")


def test_a_free_threaded_python_gets_none() -> None:
    assert fitting_releases(parse_facts(Fields(boards.FREE_THREADED))) == []
    assert fitting_releases(facts_with((3, 13), abi="t")) == []


def test_without_a_name_the_preferred_runtime_is_chosen_and_by_name_the_others() -> None:
    facts = facts_with((3, 11))
    assert names_of(choose_releases(facts, "pi")) == ["tflite-runtime 2.14.0"]
    assert names_of(choose_releases(facts, "pi", ["ai-edge-litert"])) == ["ai-edge-litert 2.3.0"]
    assert names_of(choose_releases(facts, "pi", RUNTIME_NAMES)) == ["tflite-runtime 2.14.0", "ai-edge-litert 2.3.0"]


def test_a_board_without_a_wheel_is_told_what_there_is_for_its_architecture_and_what_to_do() -> None:
    with pytest.raises(NoRuntimeError) as caught:
        choose_releases(facts_with((3, 13), "armv7l", (2, 41)), "pi")
    assert str(caught.value) == (
        "no wheel of a TFLite runtime for this board: pi is armv7l with Python 3.13.4 and glibc 2.41.\n"
        "  tflite-runtime 2.14.0 has wheels for armv7l, Python 3.9 to 3.11, glibc 2.34 or newer\n"
        "  tflite-runtime 2.13.0 has wheels for armv7l, Python 3.9 to 3.10, glibc 2.17 or newer\n"
        "What helps: a 64-bit system, where the processor has 64 bits (a Pi Zero 2, 3 or newer); or the 32-bit system "
        "of Debian 12 (Raspberry Pi OS Bookworm), whose Python 3.11 has a wheel, in a chroot, too. Python 3.11 alone "
        "beside this one does not: NumPy and OpenCV come from the distribution, for its own Python."
    )


@pytest.mark.parametrize(
    ("facts", "remedy", "not_this"),
    [
        (facts_with((3, 14)), "a usual Python 3.9 to 3.13 beside this one", "64-bit"),
        (facts_with((3, 8)), 'python = "/usr/bin/python3.11"', "64-bit"),
        (facts_with((3, 13), glibc=OLD), "a usual Python 3.9 to 3.12 beside this one", "64-bit"),
        (facts_with((3, 11), glibc=(2, 16)), "too old for all of them: a newer release of it brings glibc 2.17", "uv"),
        (facts_with((3, 13), abi="t"), "This is a free-threaded Python", "64-bit"),
        (facts_with((3, 11), "armv6l"), "A 64-bit system helps where the processor has 64 bits", "beside"),
        (facts_with((3, 11), "riscv64"), "another board helps", "64-bit"),
        (facts_with((3, 11), glibc=None), "in a chroot or container there with an SSH server", "uv"),
    ],
)
def test_the_remedy_is_one_for_what_stands_in_the_way(facts: BoardFacts, remedy: str, not_this: str) -> None:
    with pytest.raises(NoRuntimeError) as caught:
        choose_releases(facts, "pi")
    last = str(caught.value).splitlines()[-1]
    assert remedy in last
    assert not_this not in last


def test_a_named_runtime_without_a_wheel_is_told_with_the_one_that_there_is() -> None:
    with pytest.raises(NoRuntimeError) as caught:
        choose_releases(parse_facts(Fields(boards.PI_5_TRIXIE)), "pi5", ["tflite-runtime"])
    assert str(caught.value) == (
        "no wheel of tflite-runtime for this board: pi5 is aarch64 with Python 3.13.5 and glibc 2.41.\n"
        "  tflite-runtime 2.14.0 has wheels for aarch64 and x86_64, Python 3.9 to 3.11, glibc 2.34 or newer\n"
        "  tflite-runtime 2.13.0 has wheels for aarch64 and x86_64, Python 3.9 to 3.10, glibc 2.17 or newer\n"
        "This board can have ai-edge-litert: name it with --runtime."
    )


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (parse_facts(Fields(boards.ALPINE)), "Python 3.12.7 and musl instead of glibc"),
        (parse_facts(Fields(boards.MUSL)), "Python 3.13.2 and musl instead of glibc"),
        (facts_with((3, 12), glibc=None), "Python 3.12.4 and a libc other than glibc"),
    ],
)
def test_another_libc_is_named(facts: BoardFacts, words: str) -> None:
    with pytest.raises(NoRuntimeError, match=words):
        choose_releases(facts, "alpine")


def test_a_runtimes_digest_names_its_lock_architecture_and_python() -> None:
    release = RELEASES[0]
    digests = [
        release.digest(facts_with(python, arch))
        for python, arch in itertools.product([(3, 9), (3, 10)], ["aarch64", "x86_64"])
    ]
    assert len(set(digests)) == 4
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)
    assert release.digest(facts_with((3, 9), glibc=OLD)) == digests[0], (
        "what a wheel does not depend on changes nothing"
    )


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.lock_path.stem)
def test_every_lock_pins_its_runtime_and_all_else_by_hash(release: RuntimeRelease) -> None:
    requirements = [
        line for line in release.lock.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#")
    ]
    assert any(line.startswith(f"{release.name}=={release.version}") for line in requirements)
    for line in requirements:
        assert re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line
    names = {line.partition("==")[0] for line in requirements}
    wanted = {"installer"} if release.needs_distribution_packages else {"installer", "numpy", "opencv-python-headless"}
    assert wanted <= names
