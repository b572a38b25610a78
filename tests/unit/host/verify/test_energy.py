"""Joules an inference from readings: as a meter beside it would say, with an interval that holds, and never without a
source."""

import numpy as np
import pytest

from edgeproof.record.measured.energy import PowerReadings, SourceClass
from edgeproof.verify.energy import NO_SOURCE, energy_of


def readings(watts: "list[float]", idle: "list[float] | None" = None, kind: str = "meter") -> PowerReadings:
    return PowerReadings("ina226", kind, 10.0, tuple(watts), tuple(idle or ()))


def test_an_inference_takes_its_part_of_what_was_drawn() -> None:
    (energy,), reason = energy_of(readings([4.0, 6.0] * 10, [2.0] * 5), runs=100)
    assert reason is None
    assert energy.source_class is SourceClass.METER
    assert (energy.watts, energy.idle_watts, energy.readings) == (5.0, 2.0, 20)
    assert energy.gross.value == pytest.approx(5.0 * 10 / 100)
    assert energy.net is not None
    assert energy.net.value == pytest.approx(3.0 * 10 / 100)
    assert energy.gross.low < energy.gross.value < energy.gross.high
    # The mean of 20 independent readings: t(.975, 19) = 2.093, standard deviation 1.02598.
    assert energy.gross.high - energy.gross.value == pytest.approx(0.1 * 2.093 * 1.02598 / 20**0.5, rel=1e-3)


def test_a_pmic_has_two_classes_and_its_offset_falls_out_of_the_difference() -> None:
    (corrected, raw), _ = energy_of(readings([3.0] * 6, [1.0] * 6, "pmic"), runs=10)
    assert (corrected.source_class, raw.source_class) == (SourceClass.PMIC_CORRECTED, SourceClass.PMIC_RAW)
    assert raw.gross.value == pytest.approx(3.0)
    assert corrected.gross.value == pytest.approx(1.1451 * 3.0 + 0.5879)
    assert raw.net is not None
    assert corrected.net is not None
    assert raw.net.value == pytest.approx(2.0)
    assert corrected.net.value == pytest.approx(1.1451 * 2.0)


def test_without_a_source_there_is_no_number() -> None:
    assert energy_of(None, runs=100) == ((), NO_SOURCE)


def test_a_handful_of_readings_is_too_few_and_the_runs_that_would_do_are_named() -> None:
    energy, reason = energy_of(readings([4.0] * 4), runs=100)
    assert energy == ()
    assert reason == "ina226 gave 4 readings meanwhile, and 5 are needed: --runs 150 or more"
    assert "--runs 600" in (energy_of(readings([]), runs=100)[1] or "")


def test_without_enough_idle_readings_nothing_is_taken_off() -> None:
    ((energy,), _) = energy_of(readings([4.0] * 9, [2.0] * 4), runs=10)
    assert energy.net is None
    assert energy.idle_watts is None


@pytest.mark.parametrize("repeated", [0.0, 0.6])
def test_the_interval_holds_the_truth_as_often_as_it_says(repeated: float) -> None:
    """Readings about 5 W that follow each other, as a sensor averages: 95 % of 400 measurements hold it."""
    random = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        noise = random.normal(0, 0.3, 60)
        for place in range(1, len(noise)):
            noise[place] = repeated * noise[place - 1] + (1 - repeated**2) ** 0.5 * noise[place]
        ((energy,), _) = energy_of(readings(list(5.0 + noise)), runs=10)
        held += energy.gross.low <= 5.0 <= energy.gross.high
    assert held >= 360
