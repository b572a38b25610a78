"""The variants of a bundle, and what each asks of TensorFlow's converter."""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from edgeproof.errors import UsageError
from edgeproof_agent.bundle.manifest import InputType

ALL = "all"

# What people call a variant elsewhere, and what it is here.
_OTHER_NAMES = {
    "fp32": "float32",
    "float": "float32",
    "fp16": "float16",
    "half": "float16",
    "hybrid": "dynamic",
    "dynamic-range": "dynamic",
    "full-integer": "int8",
    "quantized": "int8",
    "int16": "int16x8",
    "16x8": "int16x8",
}


class Variant(enum.Enum):
    """How a model is converted: what is quantized, and to what."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    """float16 weights, computed in float32 where the hardware has no float16."""
    DYNAMIC = "dynamic"
    """int8 weights, activations quantized while it runs (dynamic range quantization)."""
    INT8 = "int8"
    """Full integer: int8 weights and activations, uint8 or int8 input."""
    INT16X8 = "int16x8"
    """int16 activations, int8 weights: nearer to float than int8, and slow without kernels of its own."""


class OperatorSet(enum.Enum):
    """Names of the members of `tf.lite.OpsSet`."""

    BUILTINS = "TFLITE_BUILTINS"
    BUILTINS_INT8 = "TFLITE_BUILTINS_INT8"
    BUILTINS_INT16X8 = "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8"


@dataclass(frozen=True)
class VariantSettings:
    """How the converter is set, and what its result is checked against. All outputs are float32."""

    variant: Variant
    optimize: bool
    """Whether `optimizations` is set. Without it a representative data set is ignored in silence."""
    calibrated: bool
    """Whether a representative data set is needed."""
    operators: tuple[OperatorSet, ...]
    input_type: InputType
    weight_dtype: str
    """The dtype that the convolutions' weights must have in the file."""
    activation_dtype: str
    """The dtype that the convolutions must read."""
    half_precision: bool = False
    """Whether `supported_types` is float16."""
    min_weight_elements: int = 0
    """Layers with fewer weights may stay float32."""
    keep_float: tuple[str, ...] = ()
    """Names of layers that are not quantized, as `float_layers` resolves them; of int8 alone."""


_SETTINGS: Mapping[Variant, VariantSettings] = {
    settings.variant: settings
    for settings in (
        VariantSettings(
            Variant.FLOAT32,
            optimize=False,
            calibrated=False,
            operators=(OperatorSet.BUILTINS,),
            input_type=InputType.FLOAT32,
            weight_dtype="float32",
            activation_dtype="float32",
        ),
        VariantSettings(
            Variant.FLOAT16,
            optimize=True,
            calibrated=False,
            operators=(OperatorSet.BUILTINS,),
            input_type=InputType.FLOAT32,
            weight_dtype="float16",
            activation_dtype="float32",
            half_precision=True,
        ),
        VariantSettings(
            Variant.DYNAMIC,
            optimize=True,
            calibrated=False,
            operators=(OperatorSet.BUILTINS,),
            input_type=InputType.FLOAT32,
            weight_dtype="int8",
            activation_dtype="float32",
            # The converter's own limit: kWeightsMinNumElementsDefault in tensorflow/lite/tools/optimize.
            min_weight_elements=1024,
        ),
        # The outputs stay float32: the converter would quantize class ids and the count with the boxes.
        VariantSettings(
            Variant.INT8,
            optimize=True,
            calibrated=True,
            operators=(OperatorSet.BUILTINS_INT8,),
            input_type=InputType.UINT8,
            weight_dtype="int8",
            activation_dtype="int8",
        ),
        # The post-processing operator is custom, which the int16 set alone refuses. The input stays float32: a board
        # would otherwise quantize pixels to int16 in Python, where the model's own QUANTIZE is faster.
        VariantSettings(
            Variant.INT16X8,
            optimize=True,
            calibrated=True,
            operators=(OperatorSet.BUILTINS_INT16X8, OperatorSet.BUILTINS),
            input_type=InputType.FLOAT32,
            weight_dtype="int8",
            activation_dtype="int16",
        ),
    )
}


def available_variants() -> tuple[Variant, ...]:
    """The variants that this version converts to."""
    return tuple(_SETTINGS)


def parse_variant(text: str) -> Variant:
    """The variant of that name. Raises UsageError naming the available ones, and the one that is probably meant."""
    try:
        return Variant(text)
    except ValueError:
        raise UsageError(f"There is no variant {text!r}. {_meant(text)}{_choices()}") from None


def parse_variants(texts: Iterable[str]) -> tuple[Variant, ...]:
    """The variants of those names, each once and in their order; `all` stands for all. Raises UsageError."""
    variants: dict[Variant, None] = {}
    for text in texts:
        variants |= dict.fromkeys(available_variants() if text == ALL else (parse_variant(text),))
    return tuple(variants)


def settings_of(variant: Variant, input_type: InputType | None = None) -> VariantSettings:
    """How `variant` is converted. `input_type` is uint8 or int8, for int8 alone; None leaves it to the variant.

    Raises UsageError when the variant cannot have that input.
    """
    settings = _SETTINGS[variant]
    if input_type is None or input_type is settings.input_type:
        return settings
    if variant is not Variant.INT8:
        raise UsageError(
            f"{variant.value} has {settings.input_type.value} input. Only a full-integer model reads "
            f"{input_type.value}: ask for --variant int8, with calibration pictures (--images)."
        )
    if input_type is InputType.FLOAT32:
        raise UsageError("int8 reads uint8 or int8: choose with --input-type, or ask for another --variant.")
    return replace(settings, input_type=input_type)


def _meant(text: str) -> str:
    name = text.lower()
    if name in ("uint8", "quint8"):
        return "A model with uint8 input is --variant int8 --input-type uint8. "
    name = _OTHER_NAMES.get(name, name)
    return f"It is called {name} here. " if name in {variant.value for variant in Variant} else ""


def _choices() -> str:
    return f"Available: {', '.join(variant.value for variant in _SETTINGS)}, or {ALL}."
