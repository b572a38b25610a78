"""Every reader of strangers' input gets some thousand broken ones, the same at each run."""

import pytest

from tests.fuzz.running import feed
from tests.fuzz.targets import TARGETS, Target


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_broken_input_is_an_error_in_words(target: Target) -> None:
    outcome = feed(target, seed=1, inputs=target.inputs)
    assert outcome.finding is None, outcome.finding
    assert outcome.inputs == target.inputs
