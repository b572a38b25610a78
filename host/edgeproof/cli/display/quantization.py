"""Shows which layers int8 loses by, and keeps it as a table and a plot beside the bundles."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgeproof.convert.variants import Variant
from edgeproof.record.layer_errors import ROUNDING_ERROR, SUSPICIOUS_ERROR, QuantizationErrors
from edgeproof.wording.counting import counted

_SHOWN = 10


def show_quantization(console: Console, errors: QuantizationErrors, out: Path, kept: Sequence[str] = ()) -> None:
    """Prints the worst layers and what to do; writes all of them to `out`/int8-quantization.csv and .svg.

    `kept` are the layers that are float already.
    """
    # matplotlib takes half a second, which no other export waits for.
    from edgeproof.report.charts.quantization import quantization_svg

    table_file, plot_file = (out / f"{Variant.INT8.value}-quantization.{kind}" for kind in ("csv", "svg"))
    table_file.write_text(errors.to_csv(), encoding="utf-8")
    plot_file.write_text(quantization_svg(errors), encoding="utf-8")
    console.print()
    console.print(_table(errors))
    console.print()
    console.print(Text(verdict(errors)), soft_wrap=True)
    console.print(Text(f"All {len(errors.layers)} layers: {table_file}, {plot_file}"), soft_wrap=True)
    if errors.layers:
        console.print(Text(f"Export again with: {keep_float_arguments(errors, kept)}"), soft_wrap=True)


def verdict(errors: QuantizationErrors) -> str:
    """Whether layers stand out, in a sentence."""
    rounding = f"rounding alone makes {ROUNDING_ERROR:.2f}"
    if errors.suspicious:
        lose = counted(len(errors.suspicious), "layer loses", "layers lose")
        return f"{lose} much: RMSE / scale is {SUSPICIOUS_ERROR} or more, and {rounding}."
    return (
        f"No layer stands out: RMSE / scale is below {SUSPICIOUS_ERROR} everywhere, and {rounding}. "
        "So calibrate with more pictures first (--images, --calibration-size), then keep the worst layers float."
    )


def keep_float_arguments(errors: QuantizationErrors, kept: Sequence[str] = ()) -> str:
    """The layers to keep float, after those that are already, as a shell takes them."""
    names = dict.fromkeys([*kept, *(layer.name for layer in errors.to_keep_float)])
    return " ".join(f"--keep-float {shlex.quote(name)}" for name in names)


def _table(errors: QuantizationErrors) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("layer", overflow="fold")
    table.add_column("operator")
    for heading in ("RMSE / scale", "RMSE", "max error"):
        table.add_column(heading, justify="right")
    for layer in errors.layers[:_SHOWN]:
        style = "yellow" if layer.relative >= SUSPICIOUS_ERROR else ""
        numbers = (f"{layer.relative:.3f}", f"{layer.rmse:.3g}", f"{layer.max_error:.3g}")
        table.add_row(Text(layer.name), layer.operator, *numbers, style=style)
    return table
