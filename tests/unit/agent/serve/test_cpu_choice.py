"""A model runs on the CPUs that were asked for, of those that are the agent's."""

import os
from pathlib import Path

import pytest

from edgeproof_agent.serve.cpu_choice import CpuChoice, require_at_once
from edgeproof_agent.wire.answering import RequestError
from tests.support.fake_root import big_little, tree


class Affinity:
    """This thread's, as the kernel keeps it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cpus: set[int]) -> None:
        self.cpus = cpus
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: self.cpus)
        monkeypatch.setattr(os, "sched_setaffinity", lambda _, cpus: setattr(self, "cpus", set(cpus)))


def test_the_big_ones_of_those_that_are_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    affinity = Affinity(monkeypatch, {1, 2, 3, 4, 5})
    choice = CpuChoice(tree(tmp_path, big_little()))
    told = choice.take("big")
    assert affinity.cpus == {4, 5}
    assert told == {"total": 8, "allowed": 5, "quota": None, "big": 2, "cores": "big", "usable": 2}
    assert choice.take("all")["usable"] == 5
    assert affinity.cpus == {1, 2, 3, 4, 5}, "a later model has all of them again"


@pytest.mark.parametrize("allowed", [{0, 1, 2, 3}, set(range(8))])
def test_where_no_big_one_is_ours_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: set[int]
) -> None:
    affinity = Affinity(monkeypatch, allowed)
    files = big_little() if len(allowed) < 8 else {}
    with pytest.raises(RequestError, match="no CPU is known as a big one"):
        CpuChoice(tree(tmp_path, files)).take("big")
    assert affinity.cpus == allowed


def test_a_cpu_that_has_gone_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Affinity(monkeypatch, {4, 5})

    def refuse(*_: object) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    assert CpuChoice(tree(tmp_path, big_little())).take("big")["usable"] == 2


@pytest.mark.parametrize(
    ("cores", "files", "most", "words"),
    [
        ("all", {}, 5, "of the board's 8 CPUs the agent may use 5. Ask for --threads 5 or fewer"),
        ("big", {}, 2, "of the board's 8 CPUs the agent may use 5, of which 2 are big. Ask for --threads 2 or fewer"),
        (
            "all",
            {"proc/self/cgroup": "0::/user\n", "sys/fs/cgroup/user/cpu.max": "150000 100000\n"},
            2,
            "its control group leaves it the time of 1.5. Ask for --threads 2 or fewer",
        ),
    ],
)
def test_no_more_threads_than_can_run_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: str, files: dict[str, str], most: int, words: str
) -> None:
    Affinity(monkeypatch, {1, 2, 3, 4, 5})
    told = CpuChoice(tree(tmp_path, {**big_little(), **files})).take(cores)
    require_at_once(most, told)
    with pytest.raises(RequestError) as caught:
        require_at_once(most + 1, told)
    assert f"{most + 1} threads cannot run at once: " in str(caught.value)
    assert str(caught.value).endswith(words)
