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
from edgeproof.cli.options.grouped_help import GroupedCommand
from edgeproof.cli.options.paths import PATH
from edgeproof.cli.options.source import read_source_options, source_options
from edgeproof.convert.witness.identification import Identification, identify
from edgeproof.convert.witness.labelled import LabelledFindings
from edgeproof.convert.witness.ranking import Ranking
from edgeproof.datasets.labelled import LabelledDataSet
from edgeproof.datasets.opening import open_data_set
from edgeproof.errors import UsageError
from edgeproof.local_files.atomic_file import write_atomically
from edgeproof.report.drawing.hypotheses import draw_side_by_side
from edgeproof.ssd.tensorflow_import import LOG_LEVEL_VARIABLE

_SHOWN = 4
_INCONCLUSIVE = 3


@click.command(name="identify", cls=GroupedCommand)
@click.argument("source", type=PATH)
@click.option("--images", type=PATH, help="Folder of pictures, or a COCO .json file that lists them; no labels needed.")
@click.option(
    "--labelled",
    type=PATH,
    metavar="DATA",
    help="Labelled pictures decide what others leave open, by average precision: COCO's .json, a VOC folder, YOLO's "
    "data.yaml. Without --images they stand for both.",
)
@click.option("--images-root", type=PATH, help="Folder of the pictures that --labelled lists.  [default: found]")
@click.option("--labels", type=PATH, help="Text file with one label a line, label map (.pbtxt) or COCO JSON.")
@click.option("--drawn", type=PATH, metavar="PNG", help="Draw the boxes of the best two hypotheses beside each other.")
@source_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    source: Path,
    images: Path | None,
    labelled: Path | None,
    images_root: Path | None,
    labels: Path | None,
    drawn: Path | None,
    **source_values: Any,
) -> None:
    """Measure on pictures what the boxes and the input of the SSD in SOURCE mean. The pictures need no labels.

    Exit status: 0 when the pictures tell what the boxes mean, and labels where the background is; 3 when they cannot.
    """
    if (ctx.obj or {}).get("debug"):
        os.environ[LOG_LEVEL_VARIABLE] = "0"
    options = read_source_options(source_values)
    data_set = None if labelled is None else open_data_set(labelled, images_root)
    if images is None:
        if data_set is None:
            raise UsageError("There is nothing to measure with: give pictures with --images, or labelled ones.")
        images = _folder_of(data_set)
    console = Terminal()
    with shown_progress(console) as progress:
        found = identify(source, images, labels, options, progress, data_set)
    findings = found.findings
    console.print(_table("boxes", findings.boxes.items))
    console.print()
    console.print(_table("input", findings.inputs.items))
    console.print()
    if findings.background is not None:
        console.print(Text(findings.background.words))
    decided = _say(console, "boxes", findings.boxes, findings.undecided)
    _say(console, "input", findings.inputs, findings.undecided_input)
    if found.on_labels is not None:
        decided = _say_on_labels(console, found.on_labels)
    if drawn is not None:
        _draw(found, drawn)
        console.print(Text(f"drawn: {drawn}: on the left as the best says, on the right as the second"))
    if not decided:
        ctx.exit(_INCONCLUSIVE)


def _folder_of(data_set: LabelledDataSet) -> Path:
    folders = {picture.path.parent for picture in data_set.pictures}
    if len(folders) != 1:
        raise UsageError(f"{data_set.name}: its pictures lie in {len(folders)} folders. Say one with --images.")
    return folders.pop()


def _say(console: Terminal, what: str, ranking: Ranking[Any], undecided: str | None) -> bool:
    if undecided is not None:
        console.print(Text(f"{what}: cannot tell: {undecided}."))
        return False
    words = f"measured on {ranking.pictures} pictures, margin {ranking.margin:.2f}: {ranking.best.options}"
    console.print(Text(f"{what}: {words}"))
    return True


def _say_on_labels(console: Terminal, found: LabelledFindings) -> bool:
    table = Table("AP", "", "on labels: options that say it", box=None, header_style="bold", pad_edge=False)
    for item in found.items[:_SHOWN]:
        table.add_row(f"{item.precision:.3f}", "said" if item.said else "", Text(" ".join(item.parts), overflow="fold"))
    console.print()
    console.print(table)
    console.print()
    for line in found.classes:
        console.print(Text(line))
    if found.undecided is not None:
        console.print(Text(f"on labels: cannot tell: {found.undecided}."))
        return False
    left = f"{len(found.left)} of {len(found.items)} hypotheses are left, margin of AP {found.margin:.3f}"
    console.print(Text(f"on {found.pictures} labelled pictures with {found.objects} objects: {left}"))
    for part, what in enumerate(("boxes", "input", "background")):
        told = found.decided(part) or "cannot tell between those that are left: give more labelled pictures"
        console.print(Text(f"{what}: {told}"))
    return found.decided(0) is not None and found.decided(2) is not None


def _table(what: str, ranked: Any) -> Table:
    table = Table("support", "", f"{what}: options that say it", box=None, header_style="bold", pad_edge=False)
    for item in ranked[:_SHOWN]:
        table.add_row(f"{item.support:.2f}", "said" if item.said else "", Text(item.options, overflow="fold"))
    return table


def _draw(found: Identification, path: Path) -> None:
    clearest, picture = found.findings.clearest, found.clearest_picture
    if clearest is None or picture is None:
        raise UsageError(f"{path}: nothing is drawn, since the network is sure of nothing on any picture.")
    seen = clearest[1].still
    readings = [item.meaning for item in found.findings.boxes.items]
    if found.on_labels is not None:
        readings = list(dict.fromkeys(item.reading for item in found.on_labels.items)) + readings
    best = list(dict.fromkeys(readings))[:2]
    boxes = [np.asarray(item.decode(seen.predictions, seen.anchors)) for item in best]
    write_atomically(path, draw_side_by_side(picture, boxes, seen.scores))
