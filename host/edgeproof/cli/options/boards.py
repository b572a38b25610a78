"""BOARD of the commands that can work on many: one board is worked on as ever, many side by side."""

import functools
import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from edgeproof.cli.display.echo import echo
from edgeproof.cli.options.paths import PATH
from edgeproof.config.boards import BoardProfile, find_config
from edgeproof.errors import BoardBusyError, BoardUnreachableError
from edgeproof.fleet.inventory.selection import Chosen, Selection
from edgeproof.wording.counting import counted

_Command = TypeVar("_Command", bound=Callable[..., Any])

METAVAR = "BOARD"


@dataclass(frozen=True)
class FleetOptions:
    """How many boards are worked on, and where what comes of it is written."""

    command: str
    boards: tuple[BoardProfile, ...]
    forks: int | None
    """None: what `[fleet]` says."""
    retry_file: Path | None
    results: Path | None
    config: Path | None


def one_or_many(
    command: str, for_many: tuple[str, ...] = (), any_option: bool = False
) -> Callable[[_Command], _Command]:
    """BOARD, and the options for many. The decorated function is called with `board` where one is named as such; where
    many are meant, `run` of the module `edgeproof.cli.many.COMMAND` is called with `FleetOptions` and all else. An
    argument named in `for_many` is for `run` alone, which is called for one board, too, where one of them is given.

    With `any_option` there is `--any`: of many boards the first that is free and can be reached is worked on."""

    def decorate(function: _Command) -> _Command:
        @functools.wraps(function)
        def call(
            board: str,
            limit: tuple[str, ...],
            exclude: tuple[str, ...],
            inventories: tuple[Path, ...],
            forks: int | None,
            retry_file: Path | None,
            results: Path | None,
            any_of: bool = False,
            **options: Any,
        ) -> None:
            config = found_config()
            chosen = Selection(config, inventories).choose([board], limit, exclude)
            if any_of:
                _on_the_first_free(chosen.boards, lambda one: function(board=one, **options))
                return
            given = [retry_file, results, *(options[name] or None for name in for_many)]
            if not chosen.many and all(value is None for value in given):
                one = {name: value for name, value in options.items() if name not in for_many}
                function(board=chosen.boards[0], **one)
                return
            fleet = FleetOptions(command, chosen.boards, forks, retry_file, results, config)
            status: int = importlib.import_module(f"edgeproof.cli.many.{command}").run(fleet, **options)
            click.get_current_context().exit(status)

        whole = _narrowing_options(_many_options(call))
        if any_option:
            whole = click.option("--any", "any_of", is_flag=True, help="Of many boards one that is free.")(whole)
        return click.argument("board", metavar=METAVAR)(whole)  # type: ignore[return-value]

    return decorate


def _on_the_first_free(boards: Sequence[BoardProfile], work: Callable[[BoardProfile], None]) -> None:
    """A board counts as free when it can be leased, so that two who look at the same time do not get the same one."""
    refusals = []
    for board in boards:
        try:
            work(board)
        except (BoardBusyError, BoardUnreachableError) as error:
            refusals.append(f"  {board.name}: {str(error).splitlines()[0]}")
            continue
        return
    listed = "\n".join(refusals)
    raise BoardBusyError(f"none of {counted(len(boards), 'board')} is free:\n{listed}")


def choose_boards(
    words: tuple[str, ...], limit: tuple[str, ...], exclude: tuple[str, ...], inventories: tuple[Path, ...]
) -> Chosen:
    """For commands that take several BOARDs: whom they mean; nobody where none is named."""
    if not words and not limit and not exclude:
        return Chosen((), many=False)
    return Selection(found_config(), inventories).choose(words or ("all",), limit, exclude)


def several_boards(function: _Command) -> _Command:
    """BOARD... and what narrows them down: the decorated function is called with `boards`, none among them where none
    is named, and with `forks`."""

    @functools.wraps(function)
    def call(
        boards: tuple[str, ...],
        limit: tuple[str, ...],
        exclude: tuple[str, ...],
        inventories: tuple[Path, ...],
        **options: Any,
    ) -> None:
        on = options.get("on")
        if on is not None and not on.startswith("local:"):
            from edgeproof.cluster.engine import cluster, offered_boards  # Dask takes a while to load

            with cluster(on) as client:
                function(boards=offered_boards(client, boards), **options)
            return
        function(boards=choose_boards(boards, limit, exclude, inventories).boards, **options)

    argument = click.argument("boards", metavar=f"[{METAVAR}...]", nargs=-1)
    return argument(_narrowing_options(forks_option(call)))  # type: ignore[return-value]


def found_config() -> Path | None:
    """Says so when the file that decides lies in a folder above: it may not be the one that is meant."""
    config = find_config()
    if config is not None and config.parent != Path.cwd() and "EDGEPROOF_CONFIG" not in os.environ:
        echo(f"using {config}", err=True)
    return config


def narrowing_options(command: _Command) -> _Command:
    return _narrowing_options(command)  # type: ignore[return-value]


def forks_option(command: _Command) -> _Command:
    return click.option(
        "--forks", type=click.IntRange(1, 1000), help="Boards at a time.  [default: [fleet] forks, else 25]"
    )(command)


def _narrowing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    limit = click.option("--limit", multiple=True, metavar="BOARD", help="Of many boards these alone.")
    exclude = click.option("--exclude", multiple=True, metavar="BOARD", help="Of many boards not these.")
    inventory = click.option(
        "--inventory", "inventories", multiple=True, type=PATH, help="An inventory of Ansible that knows BOARD, too."
    )
    return limit(exclude(inventory(command)))


def _many_options(command: Callable[..., Any]) -> Callable[..., Any]:
    retry = click.option(
        "--retry-file",
        type=PATH,
        help="For boards that may succeed later: BOARD is @FILE then.  [default: build/fleet/COMMAND-retry.txt]",
    )
    results = click.option("--results", type=PATH, metavar="FILE", help="What came of each board, as JSON.")
    return forks_option(retry(results(command)))
