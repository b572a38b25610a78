"""`edgeproof identify`: measures what a source's boxes and input mean."""

import os
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.table import Table
from rich.text import Text

from edgeproof.cli.display.progress import shown_progress
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.paths import PATH
from edgeproof.cli.options.source import read_source_options, source_options
from edgeproof.convert.witness.identification import Identification, identify
from edgeproof.convert.witness.witness import Ranked
from edgeproof.local_files.atomic_file import write_atomically
from edgeproof.report.drawing.hypotheses import draw_side_by_side
from edgeproof.ssd.tensorflow_import import LOG_LEVEL_VARIABLE

_SHOWN = 4
_INCONCLUSIVE = 3


@click.command(name="identify")
@click.argument("source", type=PATH)
@click.option("--images", required=True, type=PATH, help="Folder of pictures, or a COCO .json file that lists them.")
@click.option("--labels", type=PATH, help="Text file with one label a line, label map (.pbtxt) or COCO JSON.")
@click.option("--drawn", type=PATH, metavar="PNG", help="Draw the boxes of the best two hypotheses beside each other.")
@source_options
@click.pass_context
def command(
    ctx: click.Context, /, source: Path, images: Path, labels: Path | None, drawn: Path | None, **source_values: Any
) -> None:
    """Measure on pictures what the boxes and the input of the SSD in SOURCE mean. The pictures need no labels.

    Exit status: 0 when the pictures tell, 3 when they cannot.
    """
    if (ctx.obj or {}).get("debug"):
        os.environ[LOG_LEVEL_VARIABLE] = "0"
    options = read_source_options(source_values)
    console = Terminal()
    with shown_progress(console) as progress:
        found = identify(source, images, labels, options, progress)
    findings = found.findings
    console.print(_table("boxes", findings.boxes))
    console.print()
    console.print(_table("input", findings.inputs))
    console.print()
    if findings.background is not None:
        console.print(Text(findings.background))
    if drawn is not None:
        _draw(found, drawn)
    if findings.undecided is not None:
        console.print(Text(f"cannot tell: {findings.undecided}."))
        ctx.exit(_INCONCLUSIVE)
    margin = findings.boxes[0].support - findings.boxes[1].support
    console.print(Text(f"measured on {findings.pictures} pictures, margin {margin:.2f}: {findings.boxes[0].options}"))


def _table(what: str, ranked: Any) -> Table:
    table = Table("support", "", f"{what}: options that say it", box=None, header_style="bold", pad_edge=False)
    for item in ranked[:_SHOWN]:
        table.add_row(f"{item.support:.2f}", "said" if item.said else "", Text(item.options, overflow="fold"))
    return table


def _draw(found: Identification, path: Path) -> None:
    clearest, picture = found.findings.clearest, found.clearest_picture
    if clearest is None or picture is None:
        return
    best: list[Ranked] = list(found.findings.boxes[:2])
    seen = clearest[1].still
    boxes = [
        np.asarray(item.reading.decode(seen.predictions, seen.anchors)) for item in best if item.reading is not None
    ]
    write_atomically(path, draw_side_by_side(picture, boxes, seen.scores))
