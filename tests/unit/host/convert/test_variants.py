"""Which variants there are, and the words for those that are not."""

import pytest

from edgeproof.convert.variants import Variant, available_variants, parse_variant, parse_variants, settings_of
from edgeproof.errors import UsageError
from edgeproof_agent.bundle.manifest import InputType


def test_an_unknown_variant_is_refused_with_the_available_ones() -> None:
    with pytest.raises(
        UsageError, match=r"no variant 'int4'\. Available: float32, float16, dynamic, int8, int16x8, or"
    ):
        parse_variant("int4")


@pytest.mark.parametrize(
    ("name", "here"), [("fp16", "float16"), ("FP32", "float32"), ("hybrid", "dynamic"), ("INT8", "int8")]
)
def test_a_name_from_elsewhere_is_told_as_it_is_here(name: str, here: str) -> None:
    with pytest.raises(UsageError, match=rf"no variant '{name}'\. It is called {here} here\."):
        parse_variant(name)


def test_uint8_is_an_input_and_no_variant() -> None:
    with pytest.raises(UsageError, match="--variant int8 --input-type uint8"):
        parse_variant("uint8")


def test_all_stands_for_all_and_none_comes_twice() -> None:
    assert parse_variants(["all"]) == available_variants() == tuple(Variant)
    assert parse_variants(["int8", "all"])[0] is Variant.INT8
    assert len(parse_variants(["int8", "all", "int8"])) == 5


def test_full_integer_needs_a_representative_set_and_takes_uint8_unless_asked_for_int8() -> None:
    assert settings_of(Variant.INT8).calibrated
    assert settings_of(Variant.INT8).input_type is InputType.UINT8
    assert settings_of(Variant.INT8, InputType.INT8).input_type is InputType.INT8
    with pytest.raises(UsageError, match="int8 reads uint8 or int8"):
        settings_of(Variant.INT8, InputType.FLOAT32)


@pytest.mark.parametrize("variant", [variant for variant in Variant if variant is not Variant.INT8])
@pytest.mark.parametrize("input_type", [InputType.UINT8, InputType.INT8])
def test_only_a_full_integer_model_reads_integers(variant: Variant, input_type: InputType) -> None:
    with pytest.raises(
        UsageError, match=rf"{variant.value} has float32 input\. .* {input_type.value}: .*--variant int8"
    ):
        settings_of(variant, input_type)


def test_a_calibrated_variant_sets_optimizations() -> None:
    # Without them TensorFlow ignores the representative data set and writes a float model.
    assert all(settings.optimize for settings in map(settings_of, available_variants()) if settings.calibrated)
