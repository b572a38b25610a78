"""What prepares pictures for a finished file: its metadata, unless its quantization makes that impossible."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgeproof.convert.from_tflite.input import resolve_input
from edgeproof.tflite.metadata_reader import Normalization, TfliteMetadata
from edgeproof_agent.bundle.manifest import Quantization


def file(dtype: str, scale: float, zero_point: int) -> Any:
    tensor = SimpleNamespace(shape=(1, 8, 8, 3), dtype=dtype, quantization=Quantization(scale, zero_point))
    return cast(Any, SimpleNamespace(inputs=[tensor]))


def said(mean: float, std: float) -> TfliteMetadata:
    return TfliteMetadata(Normalization((mean,) * 3, (std,) * 3))


@pytest.mark.parametrize(("dtype", "zero_point", "mean"), [("uint8", 128, 128.0), ("int8", 0, 128.0)])
def test_a_normalisation_that_fills_the_input_gives_way_to_the_pixels_as_they_are(
    dtype: str, zero_point: int, mean: float
) -> None:
    found = resolve_input(file(dtype, 0.0078125, zero_point), said(0, 1), None)
    assert (found.contract.mean, found.contract.std) == ((mean,) * 3, (128.0,) * 3)
    assert "its metadata says mean 0 and std 1" in str(found.doubt)


def test_a_normalisation_that_fits_is_taken() -> None:
    found = resolve_input(file("uint8", 0.0078125, 128), said(127.5, 127.5), None)
    assert (found.contract.mean, found.contract.std, found.doubt) == ((127.5,) * 3, (127.5,) * 3, None)
