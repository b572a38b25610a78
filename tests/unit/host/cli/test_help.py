"""Help, topics, examples and what was likely meant."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from deploy.manual.command_line import Shown, commands
from edgeproof.__main__ import _INTERRUPTED
from edgeproof.check.checking import Checked, exit_code
from edgeproof.cli.help import TOPICS, topic_text
from edgeproof.cli.identify import _INCONCLUSIVE
from edgeproof.cli.main import EXIT_ERROR, EXIT_READER_GONE, cli
from edgeproof.cli.options.examples import _EXAMPLES, examples_of
from edgeproof.cli.options.grouped_help import GROUPS_OF_BOARDS, BoardCommand, in_groups
from edgeproof.record.verdict.claims import Answer
from edgeproof.verify.gate_text import KEYS, parse_gate
from tests.support.command_lines import calls_of_edgeproof, require_understood

ALL = list(commands())
WHOLE, PARTLY = Checked(()), Checked((), ("a cell could not be measured",))


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "edgeproof", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("shown", ALL, ids=lambda shown: shown.name)
def test_the_help_of_a_command_ends_with_examples_that_it_understands(shown: Shown) -> None:
    lines = examples_of(shown.name)
    assert lines
    for line in lines:
        (words,) = calls_of_edgeproof(line)
        assert words[: len(shown.words)] == list(shown.words)
        require_understood(words)
    told = shown.command.get_help(shown.context)
    assert told.rstrip().splitlines()[-len(lines) :] == [f"  {line}" for line in lines]


def test_examples_are_of_commands_that_there_are() -> None:
    assert set(_EXAMPLES) == {shown.name for shown in ALL}


@pytest.mark.parametrize("shown", ALL, ids=lambda shown: shown.name)
def test_each_option_is_shown_in_one_group(shown: Shown) -> None:
    told = [option for _, rows in in_groups(shown.command, shown.context) for option, _ in rows]
    options = [item for item in shown.command.params if isinstance(item, click.Option) and not item.hidden]
    assert len(told) == len(set(told)) == len(options)


def test_options_of_every_day_come_before_those_for_many_boards() -> None:
    check = cli.get_command(click.Context(cli), "check")
    assert isinstance(check, BoardCommand)
    groups = in_groups(check, click.Context(check, info_name="edgeproof check"))
    options = {title: [option.split()[0] for option, _ in rows] for title, rows in groups}
    assert next(iter(options)) == "Options"
    assert options["Many boards"] == ["--limit", "--exclude", "--inventory", "--forks", "--on"]
    assert {"--bundle", "--gate", "--out"} <= set(options["Options"])
    assert "Stages of a rollout" not in options


def test_no_option_is_in_two_groups_of_boards() -> None:
    names = [name for _, group in GROUPS_OF_BOARDS for name in group]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_printed_in_short_lines(topic: str) -> None:
    shown = CliRunner().invoke(cli, ["help", topic])
    assert shown.exit_code == 0
    assert shown.output == topic_text(topic)
    assert max(map(len, shown.output.splitlines())) <= 96


def test_the_gates_of_the_topic_are_gates() -> None:
    examples = topic_text("gates").partition("limit with its unit:\n\n")[2].partition("\n\n")[0].splitlines()
    gates = [line.partition("  ")[0].split(" ", 1) for line in examples if not line.startswith(" ")]
    assert len(gates) == 9
    for key, text in gates:
        parse_gate(key, text)
    stages = topic_text("gates").partition("Stages: ")[2].partition(".")[0].split(", ")
    assert stages == [key for key in KEYS if key not in ("parity", "accuracy", "size", "peak_rss", "energy")]


def test_help_names_its_topics() -> None:
    told = CliRunner().invoke(cli, ["help", "--help"]).output
    assert f"Topics: {', '.join(TOPICS)}." in " ".join(told.split())
    everything = CliRunner().invoke(cli, ["help"]).output
    assert all(f"  {topic} " in everything for topic in TOPICS)


def test_help_of_a_command_is_its_own_help() -> None:
    assert run("help", "board", "add").stdout == run("board", "add", "--help").stdout


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["exprt"], "Did you mean 'export'?"),
        (["board", "ad"], "Did you mean 'add'?"),
        (["service", "statsu"], "Did you mean 'status'?"),
        (["help", "gaets"], "Did you mean 'gates'?"),
        (["push", "--canari", "1"], "Did you mean '--canary'?"),
    ],
)
def test_what_was_likely_meant_is_named(typed: list[str], meant: str) -> None:
    done = run(*typed)
    assert done.returncode == 2
    assert meant in done.stderr.replace("Did you mean one of: '--canary'", "Did you mean '--canary'?")


def test_nothing_is_guessed_where_nothing_is_near() -> None:
    done = run("zzzzzz")
    assert done.returncode == 2
    assert done.stderr.endswith("Error: No such command 'zzzzzz'.\n")


@pytest.mark.parametrize(("setting", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)])
def test_an_error_has_colour_on_a_terminal_unless_no_color_is_set(
    setting: dict[str, str], coloured: bool, tmp_path: Path
) -> None:
    command = f"'{sys.executable}' -m edgeproof inspect nowhere"
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | setting
    seen = tmp_path / "seen"
    subprocess.run(["script", "-qefc", command, str(seen)], env=environment, capture_output=True, timeout=60)
    told = seen.read_text(errors="replace")
    assert "error: " in told
    assert ("\x1b[31m" in told) == coloured


def test_an_error_has_no_colour_in_a_pipe() -> None:
    assert "\x1b" not in run("inspect", "nowhere").stderr


def test_the_topic_on_exit_statuses_says_what_the_code_ends_with() -> None:
    rows = dict(re.findall(r"^(\d+) +(.+?)(?=^\d|\Z|^$)", topic_text("exit"), re.MULTILINE | re.DOTALL))
    assert set(rows) == {"0", "1", "2", "3", "130", "141"}
    words = {
        Answer.PASS: "every gate passes",
        Answer.FAIL: "a gate fails",
        Answer.INCONCLUSIVE: "a gate is inconclusive",
    }
    for answer, word in words.items():
        assert f"check: {word}" in rows[str(exit_code(answer, WHOLE))]
    assert str(exit_code(Answer.PASS, PARTLY)) == str(EXIT_ERROR)
    assert "the pictures cannot tell" in " ".join(rows[str(_INCONCLUSIVE)].split())
    assert "usage error" in rows[str(EXIT_ERROR)]
    assert "head" in rows[str(EXIT_READER_GONE)]
    assert "Ctrl-C" in rows[str(_INTERRUPTED)]
