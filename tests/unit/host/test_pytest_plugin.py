"""The pytest plugin: skipped without a board, and gates decide a test."""

from dataclasses import replace
from pathlib import Path

import pytest
import tomlkit

from edgeproof import pytest_plugin
from edgeproof.pytest_plugin import require_gates
from edgeproof.record.verdict.claims import Answer, Claim
from tests.support import sample_report as sample
from tests.support.places import ROOT

ENDS = (pytest.fail.Exception, pytest.skip.Exception)
"""Both are caught: a test that skips by mistake would pass for one that was not run."""

TEST = """
def test_it_is_fast(measured):
    measured("total p95 < 80 ms")

def test_nothing_of_a_board():
    pass
"""


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin is named, and not found a second time by its entry point."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def claim(answer: Answer, note: str | None = None) -> Claim:
    return Claim("total p95 < 80 ms", answer, 80.0, "ms", value=56.1, low=55.0, high=58.0, samples=200, note=note)


def test_a_test_without_a_board_is_skipped_with_what_to_give(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST)
    done = pytester.runpytest_subprocess("-p", pytest_plugin.__name__, "-rs")
    done.assert_outcomes(passed=1, skipped=1)
    done.stdout.fnmatch_lines(["*no board: give --edgeproof-board user@host*"])


def test_the_options_and_fixtures_are_described(pytester: pytest.Pytester) -> None:
    options = pytester.runpytest_subprocess("-p", pytest_plugin.__name__, "--help")
    options.stdout.fnmatch_lines(["edgeproof: tests on an ARM board:", "*--edgeproof-board=BOARD*"])
    fixtures = pytester.runpytest_subprocess("-p", pytest_plugin.__name__, "--fixtures")
    for name in ("board", "deployed", "measured"):
        fixtures.stdout.re_match_lines([rf"{name} \[session scope\].*pytest_plugin"])


def test_loading_it_imports_nothing_of_edgeproof_that_is_heavy(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import sys\ndef test_light():\n    assert not {'paramiko', 'numpy', 'cv2'} & set(sys.modules)")
    pytester.runpytest_subprocess("-p", pytest_plugin.__name__).assert_outcomes(passed=1)


def test_pytest_finds_it_in_the_distribution() -> None:
    project = tomlkit.parse((ROOT / "pyproject.toml").read_text()).unwrap()["project"]
    assert project["entry-points"]["pytest11"] == {"edgeproof": pytest_plugin.__name__}


def test_gates_that_hold_pass() -> None:
    require_gates(replace(sample.run(), claims=(claim(Answer.PASS),)))
    require_gates(replace(sample.run(), claims=()))


@pytest.mark.parametrize("allowed", [False, True])
def test_a_gate_that_does_not_hold_fails_with_a_line_for_each(allowed: bool) -> None:
    claims = (claim(Answer.PASS), claim(Answer.FAIL), claim(Answer.INCONCLUSIVE, "needs 130 samples"))
    with pytest.raises(ENDS) as caught:
        require_gates(replace(sample.run(), claims=claims), allowed)
    assert caught.type is pytest.fail.Exception
    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["pass", "fail", "inconclusive"]
    assert "total p95 < 80 ms: 56.1 ms" in lines[1]
    assert lines[2].endswith("(needs 130 samples)")


def test_what_is_inconclusive_fails_unless_it_is_allowed() -> None:
    run = replace(sample.run(), claims=(claim(Answer.INCONCLUSIVE, "needs 130 samples"),))
    for allowed, end in ((False, pytest.fail.Exception), (True, pytest.skip.Exception)):
        with pytest.raises(ENDS, match="needs 130 samples") as caught:
            require_gates(run, allow_inconclusive=allowed)
        assert caught.type is end


def test_a_run_that_ended_early_fails_whatever_its_gates_say() -> None:
    run = replace(sample.run(), error="the agent died", claims=(claim(Answer.PASS),))
    with pytest.raises(ENDS, match="the agent died") as caught:
        require_gates(run, allow_inconclusive=True)
    assert caught.type is pytest.fail.Exception


def test_a_bundle_has_to_be_named(pytester: pytest.Pytester, tmp_path: Path) -> None:
    pytester.makepyfile(
        "import pytest\n"
        "@pytest.fixture(scope='session')\n"
        "def board():\n    return None\n"
        "def test_it(measured):\n    measured('size < 6 MB')\n"
    )
    done = pytester.runpytest_subprocess("-p", pytest_plugin.__name__)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*no bundle: give --edgeproof-bundle PATH*"])
