"""The structure of a .tflite file is read without TensorFlow, and a broken file is an error, never a crash."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeproof.errors import ModelError
from edgeproof.tflite.file import read_tflite

OPERATOR = "TFLite_Detection_PostProcess"


def test_an_int8_file_is_described(tiny_bundles: dict[str, Path]) -> None:
    data = (tiny_bundles["int8"] / "model.tflite").read_bytes()
    file = read_tflite(data)
    assert file.size_bytes == len(data)
    assert [(tensor.shape, tensor.dtype) for tensor in file.inputs] == [((1, 64, 64, 3), "uint8")]
    assert file.inputs[0].quantization is not None
    assert file.inputs[0].quantization.scale == pytest.approx(2 / 255, rel=1e-3)
    assert {tensor.dtype for tensor in file.outputs} == {"float32"}
    assert file.operators[OPERATOR] == 1
    assert file.operators["CONV_2D"] == 3
    # The operator takes only floats: one for the boxes, one for the scores.
    assert file.operators["DEQUANTIZE"] == 2
    assert {(layer.weights.dtype, layer.weights.has_data) for layer in file.weighted} == {("int8", True)}


def test_operators_of_newer_writers_are_named(tiny_bundles: dict[str, Path]) -> None:
    """ai-edge-quantizer fills the newer field of an operator's code alone, older writers the older one alone."""
    from tests.support.networks.plain_tflite import packed, schema

    data = (tiny_bundles["int8"] / "model.tflite").read_bytes()
    expected = read_tflite(data).operators
    for field in ("builtinCode", "deprecatedBuiltinCode"):
        model = schema.ModelT.InitFromPackedBuf(data, 0)
        for code in model.operatorCodes:
            if max(code.builtinCode, code.deprecatedBuiltinCode) < 127:
                setattr(code, field, 0)
        assert read_tflite(packed(model)).operators == expected


def test_a_float32_file_is_described(tiny_bundles: dict[str, Path]) -> None:
    file = read_tflite((tiny_bundles["float32"] / "model.tflite").read_bytes())
    assert file.inputs[0].dtype == "float32"
    assert file.inputs[0].quantization is None
    assert {layer.weights.dtype for layer in file.weighted} == {"float32"}


def test_the_signature_leads_to_positions_of_outputs(tiny_bundles: dict[str, Path]) -> None:
    file = read_tflite((tiny_bundles["float32"] / "model.tflite").read_bytes())
    (signature,) = file.signatures
    assert signature.inputs == {"image": 0}
    shapes = {name: file.outputs[position].shape for name, position in signature.outputs.items()}
    assert shapes == {
        "output_3": (1, 10, 4),
        "output_2": (1, 10),
        "output_1": (1, 10),
        "output_0": (1,),
    }


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\x1c\0\0\0TFL3", b"not a model at all, just text"])
def test_what_is_no_tflite_file_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match=r"other\.tflite"):
        read_tflite(data, "other.tflite")


def test_a_file_cut_anywhere_is_read_or_refused(tiny_bundles: dict[str, Path]) -> None:
    data = (tiny_bundles["int8"] / "model.tflite").read_bytes()
    refused = 0
    for length in range(0, len(data), 61):
        try:
            read_tflite(data[:length])
        except ModelError:
            refused += 1
    assert refused > 50


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(min_value=8), value=st.binary(min_size=1, max_size=8))
def test_a_damaged_file_is_read_or_refused(tiny_bundles: dict[str, Path], position: int, value: bytes) -> None:
    data = bytearray((tiny_bundles["int8"] / "model.tflite").read_bytes())
    position = 8 + position % (len(data) - 8)
    data[position : position + len(value)] = value
    try:
        read_tflite(bytes(data))
    except ModelError:
        return


def test_reading_needs_no_tensorflow(tiny_bundles: dict[str, Path]) -> None:
    code = (
        "import sys; from pathlib import Path; from edgeproof.tflite.file import read_tflite;"
        f"read_tflite(Path({str(tiny_bundles['int8'] / 'model.tflite')!r}).read_bytes());"
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
