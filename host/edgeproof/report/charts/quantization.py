"""The errors of an int8 model's layers as an SVG file: one bar a layer, the worst at the top."""

import io
from typing import Any

from edgeproof.record.layer_errors import ROUNDING_ERROR, SUSPICIOUS_ERROR, QuantizationErrors
from edgeproof.wording.counting import counted

MAX_LAYERS = 40
_BAR, _SUSPICIOUS, _MARK = "#4c72b0", "#c44e52", "#555555"
_LONGEST_NAME = 64
_STYLE: Any = {  # matplotlib types each key of it
    "svg.fonttype": "none",
    "svg.hashsalt": "edgeproof quantization",  # the same errors give the same bytes
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def quantization_svg(errors: QuantizationErrors) -> str:
    """An SVG document of the `MAX_LAYERS` worst layers, on white."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    layers = errors.layers[:MAX_LAYERS]
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(8.6, 1.2 + 0.19 * len(layers)), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        colours = [_SUSPICIOUS if layer.relative >= SUSPICIOUS_ERROR else _BAR for layer in layers]
        axes.barh(range(len(layers)), [layer.relative for layer in layers], color=colours)
        axes.set_yticks(range(len(layers)), [_shortened(layer.name) for layer in layers])
        axes.set_ylim(len(layers) - 0.4, -0.6)
        marks = (("rounding alone", ROUNDING_ERROR, "--"), ("keep float", SUSPICIOUS_ERROR, ":"))
        for label, value, line in marks:
            axes.axvline(value, color=_MARK, linewidth=1, linestyle=line, label=f"{label}, {value:.2f}")
        axes.legend(frameon=False, loc="lower right")
        shown = "all" if len(layers) == len(errors.layers) else f"the worst {len(layers)} of"
        counts = f"{counted(len(errors.layers), 'layer')}, {counted(errors.pictures, 'picture')}"
        figure.suptitle(f"int8 against float: {shown} {counts}", fontsize=9)
        axes.set_xlabel("RMSE / scale of the layer's output")
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def _shortened(name: str) -> str:
    """The end of a long name: the beginning is what the layers have in common."""
    while len(name) > _LONGEST_NAME and "/" in name.lstrip("…/"):
        name = f"…/{name.removeprefix('…/').split('/', 1)[1]}"
    return name.replace("$", r"\$")  # a dollar sign would begin a formula
