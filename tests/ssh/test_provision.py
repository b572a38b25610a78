"""Provisioning over a real SSH server: cut and continued, refused for want of room, and old runtimes dropped."""

import dataclasses

import pytest

from edgeproof.board.open_board import open_board
from edgeproof.board.provision import provision
from edgeproof.board.ssh.transport import SshTransport
from edgeproof.errors import BoardError, ProvisionError
from edgeproof.wording.progress import Progress, ProgressKind, ProgressUnit
from tests.support.boards.ssh_servers import Server


def test_a_transfer_that_is_cut_goes_on_where_it_ended(bare_server: Server) -> None:
    totals: list[int] = []

    def listen(event: Progress) -> None:
        if event.text.startswith("sending") and event.unit is ProgressUnit.BYTES and event.total:
            totals.append(event.total)

    with open_board(bare_server.profile) as board, pytest.raises(BoardError):

        def cut_at_half(event: Progress) -> None:
            listen(event)
            if totals and totals[-1] > 10_000_000 and event.done > totals[-1] / 2:
                assert isinstance(board.transport, SshTransport)
                board.transport._transport.sock.shutdown(2)

        provision(board, progress=cut_at_half)
    wheels_bytes = max(totals)
    totals.clear()

    with open_board(bare_server.profile) as board:
        (runtime,) = provision(board, progress=listen)
        assert runtime.built
        assert 0 < max(totals) < wheels_bytes * 0.6, "more than the missing half travelled again"
        (again,) = provision(board, progress=listen)
        assert not again.built
        assert again.payload_bytes == 0


def test_a_runtime_that_does_not_fit_changes_nothing(bare_server: Server) -> None:
    with open_board(bare_server.profile) as board:
        board.store.facts = dataclasses.replace(board.store.facts, disk_free_mib=100.0)
        with pytest.raises(ProvisionError, match=r"does not fit on \w+: .* and 100 MiB are free. Nothing was changed"):
            provision(board)
    assert not (bare_server.home / ".edgeproof").exists()


def test_what_it_takes_is_said_first_and_old_runtimes_are_dropped_at_the_end(bare_server: Server) -> None:
    old = bare_server.home / ".edgeproof" / "runtimes" / ("a" * 64)
    old.mkdir(parents=True)
    (old / "runtime.json").write_text('{"name": "tflite-runtime", "version": "2.5.0"}')
    events: list[Progress] = []
    with open_board(bare_server.profile) as board:
        (runtime,) = provision(board, progress=events.append)
        assert [item.digest for item in board.store.inventory.runtimes] == [runtime.digest]
    notes = [event.text for event in events if event.kind is ProgressKind.NOTE]
    assert "MiB of disk on" in notes[0]
    assert "dropped a runtime of another version of edgeproof" in notes[-1]
    first_sent = next(index for index, event in enumerate(events) if event.text.startswith("sending"))
    assert [event.kind for event in events].index(ProgressKind.NOTE) < first_sent
