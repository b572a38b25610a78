"""Beside a bench the board is sampled, and what it draws where something tells that: at rest first."""

import json
import time
from pathlib import Path
from typing import Any

from edgeproof.board.agent.board_sampling import board_sampling
from edgeproof.board.link.conversation import Reply
from edgeproof_agent.detection.arrays import pack_arrays
from edgeproof_agent.serve.board_sampling import BoardSampling
from edgeproof_agent.wire.fields import Fields
from tests.support.fake_root import big_little, tree

METER = {"sys/class/hwmon/hwmon0/name": "ina219\n", "sys/class/hwmon/hwmon0/power1_input": "2000000\n"}


def told(sampling: BoardSampling) -> Any:
    return json.loads(sampling.payload()["sampling"].tobytes())


def test_a_board_with_a_meter_is_read_at_rest_and_at_work(tmp_path: Path) -> None:
    sampling = BoardSampling(tree(tmp_path, {**big_little(), **METER}))
    sampling.rest(0.05)
    tree(tmp_path, {"sys/class/hwmon/hwmon0/power1_input": "5000000\n"})
    with sampling.beside():
        time.sleep(0.05)
    arrays, payload = pack_arrays(sampling.payload())
    read = board_sampling(Reply(Fields({"arrays": arrays}), payload))
    assert read.power is not None
    assert (read.power.source, read.power.kind) == ("ina219", "meter")
    assert set(read.power.idle_watts) == {2.0}
    assert set(read.power.watts) == {5.0}
    assert read.power.seconds == read.seconds >= 0.05
    assert [cluster.first_cpu for cluster in read.timeline[0].clusters] == [0, 4, 6]


def test_a_board_without_one_is_not_waited_for_and_has_no_number(tmp_path: Path) -> None:
    sampling = BoardSampling(tree(tmp_path, big_little()))
    started = time.monotonic()
    sampling.rest(5.0)
    assert time.monotonic() - started < 1.0
    with sampling.beside():
        pass
    assert "source" not in told(sampling)
    assert told(sampling)["watts"] == []
    arrays, payload = pack_arrays(sampling.payload())
    assert board_sampling(Reply(Fields({"arrays": arrays}), payload)).power is None


def test_a_second_bench_without_a_rest_has_no_idle_readings_of_the_first(tmp_path: Path) -> None:
    sampling = BoardSampling(tree(tmp_path, METER))
    sampling.rest(0.02)
    sampling.rest(0.0)
    with sampling.beside():
        pass
    assert told(sampling)["source"]["idle_watts"] == []
