"""The witness on the shapes detector with conventions planted: right or 'cannot tell', never wrong with confidence."""

import pytest

from tests.support.networks.planted_trials import SeenNetwork, see_shapes, try_boxes, try_inputs

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> SeenNetwork:
    pytest.importorskip("keras", minversion="3", reason="shapes.keras is a file of Keras 3")
    return see_shapes(tmp_path_factory.mktemp("shapes"), pictures=8)


def test_boxes_are_told_rightly_or_not_at_all(network: SeenNetwork) -> None:
    tally = try_boxes(network, choices=4)
    assert tally.wrong == tally.right_ones_ruled_out == 0
    assert tally.right > tally.trials / 2
    assert tally.stopped > 0.9 * tally.wrongly_said


def test_inputs_are_told_rightly_or_not_at_all(network: SeenNetwork) -> None:
    tally = try_inputs(network, choices=20)
    assert tally.wrong == tally.right_ones_ruled_out == 0
    assert tally.stopped > 0.2 * tally.wrongly_said
