"""Which bundle a service runs: a few tries for a new one, then the one of before."""

from pathlib import Path

import pytest

from edgeproof_agent.store.services.probation import (
    Probation,
    decide,
    not_its_fault,
    proved,
    read_probation,
    write_probation,
)

OLD, NEW, OTHER = "a" * 64, "b" * 64, "c" * 64


def run(state: Probation, digest: str, previous: str | None, since_ns: int = 1) -> tuple[str, bool, Probation]:
    decision = decide(state, digest, since_ns, previous, tries=3, now_seconds=5.0)
    return decision.digest, decision.back, decision.state


def test_a_new_bundle_has_three_tries_and_then_the_proven_one_comes_back() -> None:
    state = Probation(proven=OLD)
    for number in (1, 2, 3):
        digest, back, state = run(state, NEW, OLD)
        assert (digest, back, state.tries) == (NEW, False, number)
    digest, back, state = run(state, NEW, OLD)
    assert (digest, back) == (OLD, True)
    assert state.rejected is not None
    assert (state.rejected.digest, state.rejected.at_seconds) == (NEW, 5.0)
    assert run(state, OLD, NEW)[:2] == (OLD, False)


def test_the_proven_bundle_is_gone_back_to_even_when_the_app_points_back_at_one_that_was_not() -> None:
    state = Probation(proven=OLD, trial=NEW, trial_since_ns=1, tries=3)
    assert run(state, NEW, OTHER)[:2] == (OLD, True)


def test_without_a_bundle_to_go_back_to_it_is_tried_for_ever() -> None:
    state = Probation()
    for _ in range(10):
        digest, back, state = run(state, NEW, None)
        assert (digest, back) == (NEW, False)


def test_two_bundles_that_are_both_unhealthy_do_not_take_turns() -> None:
    state = Probation()
    seen = []
    digest, previous, since = NEW, OLD, 1
    for _ in range(12):
        chosen, back, state = run(state, digest, previous, since)
        if back:
            digest, previous, since = chosen, digest, since + 1
        seen.append(chosen)
    assert seen == [NEW] * 3 + [OLD] * 9


def test_a_push_of_the_same_bundle_gets_tries_of_its_own() -> None:
    state = Probation(proven=OLD, trial=NEW, trial_since_ns=1, tries=3)
    digest, back, after = run(state, NEW, OLD, since_ns=2)
    assert (digest, back, after.tries) == (NEW, False, 1)


def test_a_stop_costs_no_try_and_health_ends_the_trial() -> None:
    state = run(Probation(proven=OLD), NEW, OLD)[2]
    assert not_its_fault(state).tries == 0
    assert not_its_fault(Probation(proven=OLD)) == Probation(proven=OLD)
    healthy = proved(state, NEW)
    assert (healthy.proven, healthy.trial, healthy.tries) == (NEW, None, 0)
    assert not decide(healthy, NEW, 1, OLD, 3, 0.0).on_trial


def test_a_bundle_that_was_given_up_and_became_healthy_is_no_longer_called_so() -> None:
    given_up = run(Probation(proven=OLD, trial=NEW, trial_since_ns=1, tries=3), NEW, OLD)[2]
    assert proved(given_up, OLD).rejected == given_up.rejected
    assert proved(given_up, NEW).rejected is None


def test_it_is_read_as_it_was_written_and_a_broken_file_knows_nothing(tmp_path: Path) -> None:
    state = run(Probation(proven=OLD, trial=NEW, trial_since_ns=7, tries=3), NEW, OLD, since_ns=7)[2]
    path = tmp_path / "probation.json"
    write_probation(path, state)
    assert read_probation(path) == state


@pytest.mark.parametrize("text", ["", "[]", '{"tries": -1}', '{"rejected": 3}', "\0\xff", '{"proven": 1}'])
def test_whatever_a_disk_has_made_of_it_is_no_knowledge(tmp_path: Path, text: str) -> None:
    (tmp_path / "probation.json").write_text(text)
    assert read_probation(tmp_path / "probation.json") == Probation()
