"""`edgeproof inspect`: what a .tflite or a bundle is, and whether it is sound."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.main import EXIT_ERROR
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.convert.confined.runtime import installed_runtime
from edgeproof.convert.variants import parse_variant
from edgeproof.errors import ModelError, PictureFolderError
from edgeproof.inspection.file_run import FileRun, run_file
from edgeproof.inspection.inspection import Inspection, inspect
from edgeproof.inspection.other_readers import READERS
from edgeproof.local_files.bounded_files import MAX_PICTURE_BYTES, read_bounded, why_unreadable
from edgeproof.local_files.native_noise import without_native_noise
from edgeproof.tflite.file import TensorInfo
from edgeproof_agent.pictures.decoding import decode_picture

_PATH = click.Path(path_type=Path)
_SHOWN_SCORE = 0.3


@click.command(name="inspect", cls=BoardCommand)
@click.argument("path", type=_PATH, metavar="FILE|BUNDLE")
@click.option("--json", "as_json", is_flag=True, help="Print JSON (schema edgeproof.inspection/1).")
@click.option("--picture", type=_PATH, help="Run it on this picture, with the interpreter of this machine.")
@click.option("--variant", metavar="NAME", help="What FILE should be; a bundle says it itself.")
@click.option(
    "--for",
    "reader",
    type=click.Choice(list(READERS)),
    metavar="READER",
    help=f"Say what would stop it in another program: {', '.join(READERS)}.",
)
@click.pass_context
def command(
    ctx: click.Context, path: Path, as_json: bool, picture: Path | None, variant: str | None, reader: str | None
) -> None:
    """Show what FILE (.tflite) or BUNDLE is: operators, inputs, what each output means, and what is wrong.

    Exit status: 0 when it is sound (and nothing would stop it in READER), 2 when it is not.
    """
    inspection = inspect(path, None if variant is None else parse_variant(variant))
    run = _run(inspection, picture)
    inspection = inspection if run is None else run.inspection
    stopped = () if reader is None else tuple(READERS[reader].problems(inspection))
    if as_json:
        told = {**inspection.to_json(), "run": _run_json(run)}
        if reader is not None:
            told["for"] = {"reader": reader, "problems": list(stopped)}
        echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        console = Terminal()
        _print(inspection, run, console)
        if reader is not None:
            _print_for(reader, stopped, console)
    if not inspection.sound or stopped:
        ctx.exit(EXIT_ERROR)


def _run(inspection: Inspection, path: Path | None) -> FileRun | None:
    """Runs it where a picture was given, and only then: the file may be a stranger's."""
    if path is None:
        return None
    try:
        with without_native_noise():
            pixels = decode_picture(read_bounded(path, MAX_PICTURE_BYTES))
    except OSError as error:
        raise PictureFolderError(f"{path}: {why_unreadable(error)}. Give a picture with --picture.") from error
    except ValueError as error:
        raise PictureFolderError(f"{path}: {error}.") from error
    if not _runs(inspection):
        return None
    runtime = installed_runtime()
    if runtime is None:
        raise ModelError(
            "There is no interpreter on this machine to run it with. Install one with: pip install ai-edge-litert"
        )
    return run_file(inspection, pixels, runtime)


def _runs(inspection: Inspection) -> bool:
    """Only what has no problem but unknown outputs is run: a broken file can crash an interpreter."""
    return inspection.sound or (inspection.bundle is None and inspection.only_outputs_are_unknown)


def _print(inspection: Inspection, run: FileRun | None, console: Console) -> None:
    file, bundle = inspection.file, inspection.bundle
    what = "a file" if bundle is None else f"bundle {bundle.digest[:12]}"
    variant = "of no variant of ours" if inspection.variant is None else inspection.variant.value
    console.print(Text(f"{inspection.path}: {what}, {file.size_bytes / 1e6:.2f} MB, {variant}"), soft_wrap=True)
    meanings = {} if inspection.outputs is None else {at: name for name, at in inspection.outputs.positions.items()}
    rows = [("input", tensor.name, _type(tensor)) for tensor in file.inputs]
    for position, tensor in enumerate(file.outputs):
        rows.append((f"output {position}", meanings.get(position, "unknown"), _type(tensor)))
    width = max(len(name) for _, name, _ in rows) if rows else 0
    for place, name, kind in rows:
        console.print(Text(f"{place:<9} {name:<{width}}  {kind}"), soft_wrap=True)
    if inspection.outputs is not None:
        console.print(Text(f"outputs known by {inspection.outputs.evidence.value}", style="dim"))
    for operator in file.postprocess:
        attributes = sorted(operator.attributes.items())
        console.print(Text(", ".join(f"{name} {_number(value)}" for name, value in attributes)), soft_wrap=True)
    names = sorted(file.operators.items(), key=lambda item: (-item[1], item[0]))
    console.print(Text(", ".join(f"{name} {count}" for name, count in names)), soft_wrap=True)
    if run is not None and run.detections is not None:
        _print_detections(run, console)
    for warning in inspection.warnings:
        console.print(Text(f"warning: {warning}", style="yellow"), soft_wrap=True)
    for problem in inspection.problems:
        console.print(Text(f"problem: {problem}", style="red"), soft_wrap=True)
    console.print(Text("sound" if inspection.sound else "not sound", style="bold"))


def _print_for(reader: str, stopped: tuple[str, ...], console: Console) -> None:
    for problem in stopped:
        console.print(Text(f"for {reader}: {problem}", style="red"), soft_wrap=True)
    if not stopped:
        console.print(Text(f"for {reader}: nothing that is known would stop it in {READERS[reader].words}"))


def _print_detections(run: FileRun, console: Console) -> None:
    assert run.detections is not None
    shown = run.detections.above(_SHOWN_SCORE)
    console.print(Text(f"detections on {run.runtime}, score {_SHOWN_SCORE} or more: {len(shown)}", style="dim"))
    for words in run.preparation:
        console.print(Text(words, style="dim"), soft_wrap=True)
    names = run.class_names
    for box, kind, score in zip(shown.boxes, shown.classes, shown.scores, strict=True):
        name = names[kind] if kind < len(names) else f"class {kind}"
        corners = ", ".join(f"{side:.3f}" for side in box)
        console.print(Text(f"  {name} {score:.3f}  ymin, xmin, ymax, xmax {corners}"))


def _run_json(run: FileRun | None) -> object:
    if run is None:
        return None
    found = run.detections
    detections = None
    if found is not None:
        rows = zip(found.boxes.tolist(), found.classes.tolist(), found.scores.tolist(), strict=True)
        detections = [{"box": box, "class": kind, "score": score} for box, kind, score in rows]
    return {"runtime": run.runtime, "preparation": list(run.preparation), "detections": detections}


def _type(tensor: TensorInfo) -> str:
    quantization = tensor.quantization
    quantized = "" if quantization is None else f"  scale {quantization.scale:.6g}, zero {quantization.zero_point}"
    return f"{tensor.dtype} {list(tensor.shape)}{quantized}"


def _number(value: float) -> str:
    return str(value) if isinstance(value, bool | int) else f"{value:.6g}"
