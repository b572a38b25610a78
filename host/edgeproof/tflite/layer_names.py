"""Finds the layers that a user names, to keep them float where the others are quantized."""

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence

from edgeproof.errors import UsageError
from edgeproof.tflite.file import POSTPROCESS_OPERATOR, Layer, TfliteFile
from edgeproof.wording.counting import counted

# They change types, or are float always.
_NEVER_QUANTIZED = ("QUANTIZE", "DEQUANTIZE", POSTPROCESS_OPERATOR)
_NEAR = 5


def quantizable(layers: Iterable[Layer]) -> list[Layer]:
    """Those that the converter may quantize or leave float."""
    return [layer for layer in layers if layer.operator not in _NEVER_QUANTIZED]


def layers_named(name: str, layers: Iterable[Layer]) -> list[Layer]:
    """The layer of that name; else all that have it among the names of the nodes that they were fused from."""
    candidates = quantizable(layers)
    exact = [layer for layer in candidates if layer.name == name]
    return exact or [layer for layer in candidates if name in layer.name.split(";")]


def short_names(layers: Iterable[Layer]) -> dict[str, str]:
    """For each layer's name the shortest words for it: one node's name where no other layer has that, by preference
    one with a path.
    """
    names = [layer.name for layer in quantizable(layers)]
    uses = Counter(part for name in names for part in set(name.split(";")))
    short = {}
    for name in names:
        own = [part for part in name.split(";") if uses[part] == 1 and part]
        short[name] = next((part for part in own if "/" in part), own[0] if own else name)
    return short


def resolve_float_layers(names: Sequence[str], file: TfliteFile) -> list[str]:
    """The full names of the layers in `file` that `names` mean.

    Raises UsageError, with near names, when there is no such layer, or when no convolution would be quantized.
    """
    found: dict[str, None] = {}
    for name in names:
        layers = layers_named(name, file.layers)
        if not layers:
            raise UsageError(f"--keep-float {name}: the model has no such layer. {_near(name, file.layers)}")
        found |= dict.fromkeys(layer.name for layer in layers)
    if all(layer.name in found for layer in file.weighted):
        raise UsageError(
            f"--keep-float names all {len(file.weighted)} layers with weights, so nothing would be int8. "
            "Name fewer, or export --variant float32."
        )
    return list(found)


def describe_float_layers(names: Sequence[str], file: TfliteFile) -> str:
    """How many layers of an exported file stayed float."""
    layers = quantizable(file.layers)
    kept = {layer.name for name in names for layer in layers_named(name, layers)}
    return f"{len(kept)} of {counted(len(layers), 'layer')} stayed float32, the others are int8"


def _near(name: str, layers: Iterable[Layer]) -> str:
    known = list(short_names(layers).values())
    containing = [item for item in known if name.lower() in item.lower()]
    close = difflib.get_close_matches(name, known, n=_NEAR, cutoff=0.5)
    near = list(dict.fromkeys([*containing, *close]))[:_NEAR]
    if near:
        return f"Near: {', '.join(near)}."
    return f"It has {', '.join(known[:_NEAR])} ...: --debug-quantization lists them all."
