"""The variants of a bundle, and what each asks of TensorFlow's converter."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from edgeproof.errors import UsageError
from edgeproof_agent.manifest import InputType


class Variant(enum.Enum):
    FLOAT32 = "float32"
    FLOAT16 = "float16"
    DYNAMIC = "dynamic"
    INT8 = "int8"
    INT16X8 = "int16x8"


class OperatorSet(enum.Enum):
    """Names of the members of `tf.lite.OpsSet`."""

    BUILTINS = "TFLITE_BUILTINS"
    BUILTINS_INT8 = "TFLITE_BUILTINS_INT8"


@dataclass(frozen=True)
class VariantSettings:
    """How the converter is set, and what its result is checked against."""

    variant: Variant
    optimize: bool
    """Whether `optimizations` is set. Without it a representative data set is ignored in silence."""
    calibrated: bool
    """Whether a representative data set is needed."""
    operators: tuple[OperatorSet, ...]
    input_type: InputType
    weight_dtype: str
    """The dtype that the convolutions' weights must have in the file."""


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
        ),
        # The outputs stay float32: the converter would quantize class ids and the count with the boxes.
        VariantSettings(
            Variant.INT8,
            optimize=True,
            calibrated=True,
            operators=(OperatorSet.BUILTINS_INT8,),
            input_type=InputType.UINT8,
            weight_dtype="int8",
        ),
    )
}


def available_variants() -> tuple[Variant, ...]:
    """The variants that this version converts to."""
    return tuple(_SETTINGS)


def parse_variant(text: str) -> Variant:
    """The variant of that name. Raises UsageError naming the available ones."""
    try:
        return Variant(text)
    except ValueError:
        raise UsageError(f"There is no variant {text!r}. {_choices()}") from None


def settings_of(variant: Variant) -> VariantSettings:
    """Raises UsageError when this version does not convert to `variant`."""
    if variant not in _SETTINGS:
        raise UsageError(f"This version of edgeproof does not convert to {variant.value}. {_choices()}")
    return _SETTINGS[variant]


def _choices() -> str:
    return f"Available: {', '.join(variant.value for variant in _SETTINGS)}."
