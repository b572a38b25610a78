"""`edgeproof export`: converts an SSD to bundles."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from edgeproof.bundle import Bundle
from edgeproof.cli.display.progress import shown_progress
from edgeproof.cli.display.quantization import show_quantization
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.model_name import ask_for_name
from edgeproof.cli.options.odapi import odapi_options, read_odapi_options
from edgeproof.cli.options.source import read_source_options, source_options
from edgeproof.convert.calibration.representative import Sampling
from edgeproof.convert.export import export
from edgeproof.convert.export_options import ExportOptions, application_name
from edgeproof.convert.from_tensorflow.quantization_debug import debug_quantization, require_debuggable
from edgeproof.convert.variants import ALL, available_variants, parse_variants
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.tensorflow_import import LOG_LEVEL_VARIABLE
from edgeproof.wording.model_names import name_of_files
from edgeproof_agent.bundle.manifest import InputType, NonMaxSuppression

_PATH = click.Path(path_type=Path)
_PLACES = ("graph", "none")
_POSTPROCESS, _SAMPLING = PostprocessOptions(), Sampling()


@click.command(name="export")
@click.argument("source", type=_PATH)
@click.option("--out", required=True, type=_PATH, help="Folder for the bundles, one a variant.")
@click.option(
    "--variant",
    "variants",
    multiple=True,
    required=True,
    metavar="NAME",
    help=f"{', '.join(variant.value for variant in available_variants())} or {ALL}; may be given more than once.",
)
@click.option(
    "--images",
    type=_PATH,
    help="Folder of pictures, or a COCO .json file that lists them: calibrates int8 and int16x8, and each variant is "
    "tried on some.",
)
@click.option(
    "--images-root", type=_PATH, help="Folder of the pictures that a COCO .json file lists.  [default: found beside it]"
)
@click.option(
    "--input-type",
    type=click.Choice([InputType.UINT8.value, InputType.INT8.value]),
    help="What the int8 variant reads.  [default: uint8]",
)
@click.option("--labels", type=_PATH, help="Text file with one label a line, label map (.pbtxt) or COCO JSON.")
@source_options
@odapi_options
@click.option(
    "--name", help="Name of the model and its app.  [default: after the source's file, folder or labels, or asked for]"
)
@click.option("--max-detections", type=int, default=_POSTPROCESS.max_detections, show_default=True)
@click.option("--score-threshold", type=float, default=_POSTPROCESS.score_threshold, show_default=True)
@click.option(
    "--iou-threshold",
    type=float,
    default=_POSTPROCESS.iou_threshold,
    show_default=True,
    help="Of two boxes that overlap more than this, the weaker is suppressed.",
)
@click.option(
    "--nms",
    type=click.Choice([item.value for item in NonMaxSuppression]),
    default=NonMaxSuppression.FAST.value,
    show_default=True,
    help="Non-maximum suppression: fast over all classes at once, regular class by class.",
)
@click.option(
    "--classes-per-detection",
    type=int,
    default=_POSTPROCESS.max_classes_per_detection,
    show_default=True,
    help="Classes that a box is told with, by fast suppression.",
)
@click.option(
    "--post",
    type=click.Choice(_PLACES),
    default=_PLACES[0],
    show_default=True,
    help="Post-processing as an operator in the graph, or none: raw heads, which the agent decodes on the board.",
)
@click.option(
    "--calibration-size",
    type=click.IntRange(min=1),
    default=_SAMPLING.limit,
    show_default=True,
    help="Pictures to calibrate with at most.",
)
@click.option("--seed", type=int, default=_SAMPLING.seed, show_default=True, help="Draws them when there are more.")
@click.option(
    "--keep-float",
    multiple=True,
    metavar="LAYER",
    help="Layer that stays float in the int8 variant; may be given more than once.",
)
@click.option(
    "--debug-quantization",
    "debug",
    is_flag=True,
    help="Afterwards, show what each layer of int8 loses and which to keep float.",
)
@click.option(
    "--trust-me", is_flag=True, help="Go on when the pictures of --images contradict what was said of the source."
)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    source: Path,
    out: Path,
    variants: tuple[str, ...],
    images: Path | None,
    images_root: Path | None,
    input_type: str | None,
    labels: Path | None,
    name: str | None,
    max_detections: int,
    score_threshold: float,
    iou_threshold: float,
    nms: str,
    classes_per_detection: int,
    post: str,
    calibration_size: int,
    seed: int,
    keep_float: tuple[str, ...],
    debug: bool,
    trust_me: bool,
    **source_values: Any,
) -> None:
    """Convert and quantize the SSD in SOURCE to bundles that a board can run."""
    if (ctx.obj or {}).get("debug"):
        os.environ[LOG_LEVEL_VARIABLE] = "0"
    options = ExportOptions(
        name=name,
        labels=labels,
        source=read_source_options(source_values),
        input_type=None if input_type is None else InputType(input_type),
        postprocess=PostprocessOptions(
            max_detections=max_detections,
            max_classes_per_detection=classes_per_detection,
            score_threshold=score_threshold,
            iou_threshold=iou_threshold,
            use_regular_nms=NonMaxSuppression(nms) is NonMaxSuppression.REGULAR,
            in_graph=post == _PLACES[0],
        ),
        sampling=Sampling(limit=calibration_size, seed=seed),
        images_root=images_root,
        keep_float=keep_float,
        trust_me=trust_me,
        odapi=read_odapi_options(source_values),
    )
    if name is None and name_of_files(source) is None:
        options = replace(options, name=ask_for_name(application_name(options, source)))
    chosen = parse_variants(variants)
    if debug:
        require_debuggable(source, chosen, images)
    # On standard output, because TensorFlow's noise on standard error is turned off underneath.
    console = Terminal()
    with shown_progress(console) as progress:
        bundles = export(source, out, chosen, images, options, progress)
    console.print(_table(bundles))
    if debug and images is not None:
        with shown_progress(console) as progress:
            errors = debug_quantization(source, images, options, progress)
        show_quantization(console, errors, out, keep_float)


def _table(bundles: list[Bundle]) -> Table:
    table = Table("variant", "size", "input", "digest", "bundle", box=None, header_style="bold", pad_edge=False)
    for bundle in bundles:
        table.add_row(
            bundle.manifest.variant,
            f"{bundle.size_bytes / 1e6:.2f} MB",
            bundle.manifest.input.dtype.value,
            bundle.digest[:12],
            Text(str(bundle.path), overflow="fold"),
        )
    return table
