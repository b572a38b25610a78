"""Which variants there are, and the words for those that are not."""

import pytest

from edgeproof.convert.variants import Variant, available_variants, parse_variant, settings_of
from edgeproof.errors import UsageError
from edgeproof_agent.manifest import InputType


def test_an_unknown_variant_is_refused_with_the_available_ones() -> None:
    with pytest.raises(UsageError, match=r"no variant 'int4'\. Available: float32, int8\."):
        parse_variant("int4")


@pytest.mark.parametrize("variant", [Variant.FLOAT16, Variant.DYNAMIC, Variant.INT16X8])
def test_a_variant_of_a_later_version_is_refused_with_the_available_ones(variant: Variant) -> None:
    with pytest.raises(UsageError, match=rf"does not convert to {variant.value}\. Available: float32, int8\."):
        settings_of(parse_variant(variant.value))


def test_full_integer_needs_a_representative_set_and_takes_uint8() -> None:
    settings = settings_of(Variant.INT8)
    assert settings.calibrated
    assert settings.input_type is InputType.UINT8


def test_a_calibrated_variant_sets_optimizations() -> None:
    # Without them TensorFlow ignores the representative data set and writes a float model.
    assert all(settings.optimize for settings in map(settings_of, available_variants()) if settings.calibrated)
