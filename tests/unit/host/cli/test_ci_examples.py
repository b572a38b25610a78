"""The jobs of examples/ci: YAML that its service can read, and commands that this edgeproof understands."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from edgeproof.cli.check import _BADGE, _JUNIT, _METRICS, _SUMMARY
from edgeproof.cli.main import cli
from tests.support.places import ROOT

FOLDER = ROOT / "examples" / "ci"


def steps(name: str) -> Iterator[str]:
    """Lines of shell of all jobs."""
    document: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    if name == "github.yml":
        for job in document["jobs"].values():
            assert job["runs-on"]
            for step in job["steps"]:
                yield from step.get("run", "").splitlines()
        return
    for job in document.values():
        yield from (*job.get("before_script", ()), *job.get("script", ()))


@pytest.mark.parametrize("name", ["github.yml", "gitlab.yml"])
def test_every_command_of_a_job_is_one_that_edgeproof_understands(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = '[boards.pi]\nhost = "192.0.2.7"\nuser = "pi"\n'
    (tmp_path / "edgeproof.toml").write_text(config)
    monkeypatch.chdir(tmp_path)
    commands = [shlex.split(line)[1:] for line in steps(name) if line.split()[:1] == ["edgeproof"]]
    assert [words[0] for words in commands] == ["provision", "check", "demo"]
    for words in commands:
        context = click.Context(cli)
        found = cli.get_command(context, words[0])
        assert found is not None
        found.make_context(words[0], list(words[1:]), parent=context)


@pytest.mark.parametrize("name", ["github.yml", "gitlab.yml"])
def test_the_files_that_a_job_hands_on_are_those_that_check_writes(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    named = {word.strip('">,').removeprefix("check/") for word in text.split() if word.startswith("check/")}
    assert named
    assert named <= {_JUNIT, _SUMMARY, _METRICS, _BADGE}


@pytest.mark.parametrize("name", ["github.yml", "gitlab.yml"])
def test_the_extras_that_a_job_installs_exist(name: str) -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = set(re.findall(r"^(\w+) = \[", text.partition("[project.optional-dependencies]")[2], re.MULTILINE))
    assert "demo" in extras
    for line in steps(name):
        if "edgeproof[" in line:
            assert line.split("edgeproof[")[1].split("]")[0] in extras
