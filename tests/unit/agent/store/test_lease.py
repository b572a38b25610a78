"""Who has a board for measuring, and what others are told."""

from pathlib import Path

import pytest

from edgeproof_agent.serve.measurement_lease import MeasurementLease
from edgeproof_agent.store.lease import Lease, LeaseTakenError, taken_words
from edgeproof_agent.wire.answering import RequestError


def test_the_others_are_told_who_has_it_and_how_long_yet(tmp_path: Path) -> None:
    first, second = Lease(tmp_path), Lease(tmp_path)
    first.take("anna@lab", "check float32", 600.0)
    with pytest.raises(
        LeaseTakenError, match=r"anna@lab measures on this board \(check float32\), for about 10 min more"
    ):
        second.take("ben@lab", "bench", 1.0)
    assert (first.is_held, second.is_held) == (True, False)
    first.release()
    assert first.holder() == {}
    second.take("ben@lab", "bench", 1.0)
    assert second.holder()["owner"] == "ben@lab"


def test_an_agent_works_under_its_hosts_lease_and_under_no_other(tmp_path: Path) -> None:
    lease = Lease(tmp_path)
    token = lease.take("anna@lab", "check", 60.0)
    with MeasurementLease(tmp_path, token).taken():
        pass
    for other in (None, "0" * 32, ""):
        with (
            pytest.raises(RequestError, match="anna@lab measures") as refused,
            MeasurementLease(tmp_path, other).taken(),
        ):
            pass
        assert refused.value.kind == "busy"
    lease.release()
    with MeasurementLease(tmp_path, token).taken():  # the lease has ended meanwhile; the board is free
        pass


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"owner": 1}', '{"owner": "a", "purpose": "b", "until": "c"}', "\xff"]
)
def test_what_is_no_word_of_a_holder_is_not_told(tmp_path: Path, content: str) -> None:
    lease = Lease(tmp_path)
    (tmp_path / "measuring.lock").write_text(content, encoding="latin-1")
    assert taken_words(lease.holder(), 0.0).startswith("another measurement is under way")


def test_one_that_takes_longer_than_expected_is_told_so() -> None:
    told = {"owner": "a", "purpose": "b", "until": 10.0}
    assert "for longer than was expected" in taken_words(told, 11.0)
    assert "for about 1 min more" in taken_words(told, 9.0)
