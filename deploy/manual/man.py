"""`python -m deploy.manual.man FOLDER`: a man page for each command, out of click's commands by click-man."""

import inspect
import sys
from pathlib import Path

import click
from click_man.man import ManPage

from deploy.manual.command_line import Shown, commands
from edgeproof import __version__
from edgeproof.cli.help import TOPICS, topic_text
from edgeproof.cli.main import cli
from edgeproof.cli.options.examples import examples_of
from edgeproof.cli.options.grouped_help import in_groups

_DATE = ""
"""Empty: the same source gives the same pages."""


def man_pages() -> dict[str, str]:
    """File name to troff."""
    return {
        "edgeproof.1": _main_page(),
        **{f"edgeproof-{'-'.join(item.words)}.1": _page(item) for item in commands()},
    }


def _main_page() -> str:
    context = click.Context(cli, info_name="edgeproof")
    page = _filled(cli, context, "Take an SSD detector from a TensorFlow model to a proof on an ARM board.")
    page.commands = [("-".join(item.words), item.command.get_short_help_str(200)) for item in commands()]
    topics = "\n".join(f".SH TOPIC: {topic.upper()}\n.nf\n{_troff(topic_text(topic))}.fi" for topic in TOPICS)
    return f"{page}\n{topics}\n"


def _page(item: Shown) -> str:
    page = _filled(item.command, item.context, item.command.get_short_help_str(200))
    lines = "\n".join(_troff(line) for line in examples_of(item.name))
    return f"{page}\n.SH EXAMPLES\n.nf\n{lines}\n.fi\n"


def _filled(command: click.Command, context: click.Context, summary: str) -> ManPage:
    page = ManPage(context.command_path)
    page.version = __version__
    page.date = _DATE
    page.short_help = summary
    page.description = inspect.cleandoc(command.help or "").replace("\b", "")
    page.synopsis = " ".join(command.collect_usage_pieces(context))
    page.options = [record for _, records in in_groups(command, context) for record in records]
    return page


def _troff(text: str) -> str:
    """Text as it stands: a backslash is one, and no line is an instruction."""
    return "\n".join(f"\\&{line}" if line[:1] in (".", "'") else line for line in text.replace("\\", "\\e").split("\n"))


def main(folder: str) -> int:
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    for name, text in man_pages().items():
        (out / name).write_text(text, encoding="utf-8")
    print(f"{len(man_pages())} man pages in {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
