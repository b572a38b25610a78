"""What a service tells its manager, on a real notify socket."""

import socket
from pathlib import Path

import pytest

from edgeproof_agent.service.notification import Notifier


@pytest.mark.parametrize("abstract", [False, True])
def test_every_word_arrives_as_sd_notify_spells_it(tmp_path: Path, abstract: bool) -> None:
    name = f"@edgeproof-test-{tmp_path.name}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if abstract else name)
        manager.settimeout(5)
        notifier = Notifier.from_environment({"NOTIFY_SOCKET": name})
        notifier.status("two\nlines")
        notifier.ready()
        notifier.alive()
        notifier.stopping()
        words = [manager.recv(1000).decode() for _ in range(4)]
    assert words == ["STATUS=two lines", "READY=1", "WATCHDOG=1", "STOPPING=1"]


def test_nobody_who_listens_is_no_error_and_a_manager_that_does_not_read_holds_nothing_up(tmp_path: Path) -> None:
    Notifier.from_environment({}).ready()
    Notifier(str(tmp_path / "gone")).ready()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "full"))
        notifier = Notifier(str(tmp_path / "full"))
        for _ in range(10_000):
            notifier.alive()
