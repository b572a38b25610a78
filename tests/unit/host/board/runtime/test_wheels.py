"""Wheels are fetched for the board's platform, not for the host's, and kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeproof.board.facts import parse_facts
from edgeproof.board.runtime import wheels
from edgeproof.board.runtime.releases import RELEASES
from edgeproof.board.runtime.wheels import fetch_wheels, platform_tags
from edgeproof.errors import ProvisionError
from edgeproof.fetch.pip import PipDownloadError, PlatformTarget
from edgeproof_agent.wire.fields import Fields
from tests.support.boards import profiles as boards

PI = parse_facts(Fields(boards.PI_4_BOOKWORM))


def test_the_platform_tags_begin_with_the_boards_own_glibc() -> None:
    assert platform_tags("aarch64", (2, 19)) == [
        "manylinux_2_19_aarch64",
        "manylinux_2_18_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
        "linux_aarch64",
    ]


def test_a_32_bit_board_has_tags_of_its_own() -> None:
    tags = platform_tags("armv7l", (2, 36))
    assert tags[0] == "manylinux_2_36_armv7l"
    assert {"manylinux_2_34_armv7l", "manylinux2014_armv7l"} < set(tags)


def test_no_tag_is_newer_than_the_boards_glibc() -> None:
    assert platform_tags("x86_64", (2, 36))[0] == "manylinux_2_36_x86_64"
    assert "manylinux_2_34_aarch64" not in platform_tags("aarch64", (2, 31))
    assert "manylinux_2_34_aarch64" in platform_tags("aarch64", (2, 34))


def test_a_glibc_that_is_older_than_every_wheel_has_the_plain_tags_alone() -> None:
    assert platform_tags("aarch64", (2, 12)) == ["manylinux2014_aarch64", "linux_aarch64"]


def test_wheels_are_fetched_once_for_the_boards_python_and_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEPROOF_CACHE", str(tmp_path))
    asked: list[tuple[str, PlatformTarget]] = []

    def pip_download(requirements: str, folder: Path, target: PlatformTarget) -> Iterator[str]:
        asked.append((requirements, target))
        (folder / "numpy-1-cp311-cp311-manylinux_2_17_aarch64.whl").write_bytes(b"wheel")
        yield from ()

    monkeypatch.setattr(wheels, "pip_download", pip_download)
    first, second = (fetch_wheels(RELEASES[0], PI) for _ in range(2))
    assert first == second
    assert [path.name for path in first] == ["numpy-1-cp311-cp311-manylinux_2_17_aarch64.whl"]
    assert first[0].is_relative_to(tmp_path)
    assert len(asked) == 1
    requirements, target = asked[0]
    assert requirements == RELEASES[0].lock
    assert target.python == (3, 11)
    assert target.platforms[0] == "manylinux_2_36_aarch64"


def test_a_download_that_fails_leaves_nothing_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEPROOF_CACHE", str(tmp_path))

    def pip_download(_: str, folder: Path, __: object) -> Iterator[str]:
        (folder / "half.whl").write_bytes(b"")
        raise PipDownloadError("no matching distribution", hash_mismatch=False)
        yield

    monkeypatch.setattr(wheels, "pip_download", pip_download)
    with pytest.raises(ProvisionError) as caught:
        fetch_wheels(RELEASES[0], PI)
    message = str(caught.value)
    assert message.startswith("cannot fetch tflite-runtime 2.14.0 for aarch64, Python 3.11.2: no matching distribution")
    assert "This machine (not the board) needs access to a package index" in message
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
