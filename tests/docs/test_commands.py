"""Every line for a shell in the manual is one that edgeproof understands."""

import re
import shlex

import click
import pytest

from edgeproof.cli.main import cli
from tests.docs.conftest import Document, documents
from tests.support.command_lines import calls_of_edgeproof, require_understood
from tests.support.places import ROOT

_PLACEHOLDER = re.compile(r"\.\.\.|[A-Z]{3,}\b.*|-\w+\|.*")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def lines_for_a_shell(document: Document) -> list[str]:
    fenced = [line for block in document.blocks("shell", "console") for line in block.replace("\\\n", " ").splitlines()]
    shown = [line for block in document.indented() for line in block.replace("\\\n", " ").splitlines()]
    return [line.removeprefix("$ ").strip() for line in (*fenced, *shown)]


def test_every_command_of_a_block_is_understood(document: Document) -> None:
    for line in lines_for_a_shell(document):
        if "edgeproof " in line and not line.startswith("#"):
            for words in calls_of_edgeproof(line.removeprefix("sudo ")):
                require_understood(words)


def test_every_command_and_option_of_a_sentence_exists(document: Document) -> None:
    for span in document.spans():
        if not span.startswith("edgeproof ") or span.startswith("edgeproof,"):
            continue
        words = shlex.split(span.partition(" | ")[0])[1:]
        command: click.Command = cli
        context = click.Context(cli, info_name="edgeproof")
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            if _PLACEHOLDER.fullmatch(words[0]):
                break
            name, *words = words
            found = command.get_command(context, name)
            assert found is not None, f"{span}: there is no {name}"
            command = found
        known = {option for item in command.get_params(context) for option in (*item.opts, *item.secondary_opts)}
        typed = {word.partition("=")[0] for word in words if word.startswith("--")}
        if isinstance(command, click.Group) and typed == {"--help"}:
            continue
        assert typed <= known, span


def all_options() -> set[str]:
    def below(command: click.Command) -> set[str]:
        context = click.Context(command)
        own = {name for item in command.get_params(context) for name in (*item.opts, *item.secondary_opts)}
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                assert inner is not None
                own |= below(inner)
        return own

    return below(cli)


OTHERS = {
    "--edgeproof-board",
    "--edgeproof-bundle",  # pytest's, by the plugin
    "--build-arg",  # docker
    "--suite",  # the virtual board's
    "--power-cuts",
    "--power-suite",
    "--thorough",
    "--seconds",  # the tests'
    "--require-hashes",
    "--list",
    "--init",
}


def test_every_option_of_a_sentence_exists(document: Document) -> None:
    known = all_options() | OTHERS
    for span in document.spans():
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", span):
            assert option in known, f"{option} in `{span}`"


def test_every_target_of_make_exists(document: Document) -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    for target in re.findall(r"`make ([a-z]+)[^`]*`|^ *make ([a-z]+)", document.text, re.MULTILINE):
        assert "".join(target) in targets


def test_files_of_the_repository_that_are_named_exist(document: Document) -> None:
    for span in document.spans():
        if re.fullmatch(r"(?:tests|examples|host|device|deploy|manual|docs)/[\w./-]+", span):
            assert (ROOT / span).exists(), span


def test_the_manual_has_commands_to_try() -> None:
    calls = [
        words
        for document in documents()
        for line in lines_for_a_shell(document)
        for words in (calls_of_edgeproof(line) if line.startswith("edgeproof ") else ())
    ]
    assert len(calls) > 80


@pytest.mark.parametrize(
    "line",
    [
        "edgeproof pusch pi bundles/int8",
        "edgeproof push pi",
        "edgeproof push pi bundles/int8 --canaries 1",
        "edgeproof bench pi --runs many",
        "edgeproof export model.pb --variant int8 --box-order zy --out bundles",
        "edgeproof export model.pb --variant int8",
        "true && edgeproof board",
    ],
)
def test_a_wrong_line_is_noticed(line: str) -> None:
    with pytest.raises(click.ClickException):
        for words in calls_of_edgeproof(line):
            require_understood(words)
