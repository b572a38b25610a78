"""One measurement at a time on a board."""

from pathlib import Path

import pytest

from edgeproof_agent.serve.measurement_lease import MeasurementLease
from edgeproof_agent.wire.answering import RequestError


def test_a_second_measurement_is_refused_while_the_first_is_under_way(tmp_path: Path) -> None:
    first, second = MeasurementLease(tmp_path), MeasurementLease(tmp_path)
    with first.taken():
        with pytest.raises(RequestError, match="another measurement is under way") as refused, second.taken():
            pass
        assert refused.value.kind == "busy"
    with second.taken():
        pass


def test_a_measurement_that_fails_gives_the_board_back(tmp_path: Path) -> None:
    lease = MeasurementLease(tmp_path)
    with pytest.raises(ZeroDivisionError), lease.taken():
        _ = 1 / 0
    with lease.taken():
        pass


def test_without_a_store_everybody_may(tmp_path: Path) -> None:
    missing = MeasurementLease(tmp_path / "nowhere")
    with missing.taken(), missing.taken():
        pass
    assert not (tmp_path / "nowhere").exists()


def test_a_link_in_the_locks_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "measuring.lock").symlink_to(tmp_path / "elsewhere")
    with MeasurementLease(tmp_path).taken():
        pass
    assert not (tmp_path / "elsewhere").exists()
