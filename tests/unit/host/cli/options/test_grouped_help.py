"""Every option of the commands that have many stands in a group, and those of every day come first."""

import importlib
import re

import click
import pytest
from click.testing import CliRunner

from edgeproof.cli.options.grouped_help import GROUPS, GroupedCommand, ungrouped


@pytest.mark.parametrize("name", ["export", "identify"])
def test_every_option_is_in_a_group_and_is_shown(name: str) -> None:
    command = importlib.import_module(f"edgeproof.cli.{name}").command
    assert ungrouped(command) == []
    shown = CliRunner().invoke(command, ["--help"]).output
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert len(re.findall(rf"^  {parameter.opts[0]}\b", shown, re.MULTILINE)) >= 1, parameter.opts
    assert shown.index("\n  --images") < shown.index("\n  --box-coder") < shown.index("\n  --colour-order")
    assert max(map(len, shown.splitlines())) <= 80


def test_an_option_that_no_group_names_is_shown_last() -> None:
    @click.command(cls=GroupedCommand)
    @click.option("--images", help="Pictures.")
    @click.option("--new", help="Something new.")
    def command() -> None: ...

    shown = CliRunner().invoke(command, ["--help"]).output
    assert shown.index("--images") < shown.index("Others:") < shown.index("--new")
    assert "Post-processing" not in shown


def test_no_option_is_in_two_groups() -> None:
    names = [name for _, group in GROUPS for name in group]
    assert len(names) == len(set(names))
