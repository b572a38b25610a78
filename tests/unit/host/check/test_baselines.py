"""An earlier run is a baseline of the same cell alone."""

from dataclasses import replace

import pytest

from edgeproof.check.baselines import NAME, baselines_of
from edgeproof.record.measured.load import CpuUse, LoadResult
from edgeproof.record.run import Report, Run
from tests.support import sample_report as sample


def loaded(threads: int = 2, cores: str = "all", delegate: str | None = None) -> Run:
    load = LoadResult(1_000_000, None, threads, cpus=CpuUse(4, 4, 4, big=2, cores=cores), delegate=delegate)
    return replace(sample.run(), load=load)


def test_the_same_cell_of_an_earlier_report_is_the_baseline() -> None:
    earlier = loaded()
    assert baselines_of(Report((earlier, loaded(threads=1))), loaded()) == {NAME: earlier}
    assert baselines_of(Report((earlier, earlier)), loaded()) == {}
    assert baselines_of(None, loaded()) == {}


@pytest.mark.parametrize("other", [loaded(threads=1), loaded(cores="big"), loaded(delegate="libvx.so")])
def test_another_load_is_another_cell(other: Run) -> None:
    assert baselines_of(Report((other,)), loaded()) == {}
