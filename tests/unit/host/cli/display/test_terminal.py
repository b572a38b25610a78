"""Nothing that a command shows can steer the terminal, and nothing is shown by another way."""

import ast
import io
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from rich.live import Live
from rich.panel import Panel
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

import edgeproof
from edgeproof.cli import main as command_line
from edgeproof.cli.display.echo import echo, echo_heading
from edgeproof.cli.display.terminal import Terminal
from edgeproof.errors import EdgeproofError
from tests.support.networks.plain_tflite import packed, schema

EVIL = "a\x1b]0;PWNED\x07\x1b[31mb\r\x9b2J\u202ec\u200b\x7f[red]d[/red]:smile:"
STEERING = [chr(code) for code in [*range(9), *range(11, 27), *range(28, 32), *range(127, 160), 0x202E, 0x200B, 0x2028]]


def raw(terminal: bool) -> tuple[Terminal, io.StringIO]:
    file = io.StringIO()
    return Terminal(file=file, force_terminal=terminal, width=60, color_system="truecolor" if terminal else None), file


def rendered(how: str, terminal: Terminal) -> None:
    if how == "text":
        terminal.print(EVIL)
    elif how == "table":
        table = Table(title=EVIL, caption=EVIL)
        table.add_column(EVIL, overflow="fold")
        table.add_row(EVIL)
        table.add_row(Text(EVIL, style="bold"))
        terminal.print(table)
    elif how == "panel":
        terminal.print(Panel(Text(EVIL), title=Text(EVIL)))
    elif how == "progress":
        with Bar(console=terminal) as bar:
            bar.add_task(EVIL, total=2)
    else:
        with Live(Text(EVIL), console=terminal):
            pass


@pytest.mark.parametrize("how", ["text", "table", "panel", "live"])
def test_a_console_shows_no_control_character_and_no_markup(how: str) -> None:
    terminal, file = raw(terminal=False)
    rendered(how, terminal)
    assert "PWNED" in file.getvalue()
    assert "[red]" in file.getvalue().replace("\n", "")
    assert not [letter for letter in (*STEERING, "\x1b") if letter in file.getvalue()]


@pytest.mark.parametrize("how", ["text", "table", "panel", "progress", "live"])
def test_on_a_terminal_only_rich_s_own_sequences_are_left(how: str) -> None:
    terminal, file = raw(terminal=True)
    rendered(how, terminal)
    assert "\x1b]0;" not in file.getvalue()
    assert "\x1b[2J" not in file.getvalue()
    assert "\x07" not in file.getvalue()
    assert "\u202e" not in file.getvalue()


def test_lines_are_shown_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    echo(EVIL)
    echo(EVIL, err=True)
    echo_heading(EVIL)
    out, err = capsys.readouterr()
    assert not [letter for letter in (*STEERING, "\x1b") if letter in out + err]
    assert "PWNED" in out


@pytest.mark.parametrize(
    "error", [EdgeproofError(EVIL), click.UsageError(EVIL), click.BadParameter(EVIL), OSError(2, EVIL, EVIL)]
)
def test_errors_are_shown_the_same_way(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(**_: object) -> None:
        raise error

    monkeypatch.setattr(command_line.cli, "main", fails)
    monkeypatch.setattr(sys, "argv", ["edgeproof"])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert "PWNED" in err
    assert not [letter for letter in (*STEERING, "\x1b") if letter in err]


def test_inspect_shows_the_names_of_a_strangers_file_harmlessly(tmp_path: Path) -> None:
    model = schema.ModelT()
    model.version = 3
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = EVIL.encode()
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.buffer = EVIL.encode(), [1, 4, 4, 3], 0
    operator = schema.OperatorT()
    operator.inputs = operator.outputs = [0]
    graph = schema.SubGraphT()
    graph.tensors, graph.operators, graph.inputs, graph.outputs = [tensor], [operator], [0], [0]
    model.operatorCodes, model.subgraphs, model.buffers = [code], [graph], [schema.BufferT()]
    path = tmp_path / "evil\x1b[31m.tflite"
    path.write_bytes(packed(model))
    result = CliRunner().invoke(command_line.cli, ["inspect", str(path)])
    assert "PWNED" in result.output
    assert not [letter for letter in (*STEERING, "\x1b") if letter in result.output]


def test_a_command_prints_by_the_door_alone() -> None:
    """Only two modules call what writes to a terminal."""
    folder = Path(edgeproof.__file__).parent
    doors = {folder / "cli" / "display" / "echo.py", folder / "cli" / "display" / "terminal.py"}
    writing = {"print", "click.echo", "click.secho", "sys.stdout.write", "sys.stderr.write", "Console"}
    for path in sorted(folder.rglob("*.py")):
        if path in doors or path.parts[-2:] in (("demo", "ssh_server.py"), ("odapi", "tflite_exporter.py")):
            continue  # the two are programs of their own, whose output edgeproof reads
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in writing:
                unbounded = path.name == "terminal.py" and path.parent.name == "text"  # measures, shows nothing
                assert unbounded, f"{path}:{node.lineno} {ast.unparse(node.func)}"
