"""Arrays arrive bit for bit, and a description that lies about its payload is refused."""

from typing import Any

import numpy as np
import pytest

from edgeproof_agent.detection.arrays import DTYPES, MAX_ARRAYS, pack_arrays, unpack_arrays
from edgeproof_agent.wire.fields import FieldError, Fields


def unpack(arrays: object, payload: bytes) -> dict[str, np.ndarray]:
    return unpack_arrays(Fields({"arrays": arrays}), payload)


def described(shape: object, dtype: object = "uint8", name: object = "a") -> dict[str, Any]:
    return {"name": name, "dtype": dtype, "shape": shape}


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_and_shape_survives_the_wire(dtype: str) -> None:
    random = np.random.default_rng(1)
    given = {str(shape): (random.random(shape) * 100).astype(dtype) for shape in [(), (0,), (5,), (0, 4), (2, 3, 4)]}
    arrays = unpack(*pack_arrays(given))
    assert list(arrays) == list(given)
    for name, array in given.items():
        assert arrays[name].dtype == dtype
        assert arrays[name].shape == array.shape
        assert arrays[name].tobytes() == array.tobytes()


def test_the_payload_is_little_endian_whatever_the_machine_is() -> None:
    assert pack_arrays({"a": np.array([1], ">i4")})[1] == b"\1\0\0\0"
    assert unpack([described([1], "int32")], b"\1\0\0\0")["a"].tolist() == [1]


def test_a_view_is_packed_as_it_reads() -> None:
    view = np.arange(12, dtype=np.int16).reshape(3, 4).T[::2]
    np.testing.assert_array_equal(unpack(*pack_arrays({"a": view}))["a"], view)


def test_unpacked_arrays_can_be_written_to() -> None:
    array = unpack([described([2])], b"\1\2")["a"]
    array += 1
    assert array.tolist() == [2, 3]


def test_no_arrays_have_no_payload() -> None:
    assert pack_arrays({}) == ([], b"")
    assert unpack([], b"") == {}


@pytest.mark.parametrize(
    ("arrays", "payload", "message"),
    [
        ([described([3])], b"ab", r"arrays\[0\].shape needs 3 bytes, the payload has fewer"),
        ([described([2], "float64")], b"x" * 15, "needs 16 bytes"),
        ([described([2**31, 2**31, 2**31])], b"", "the payload has fewer"),
        ([described([1])], b"ab", "the payload has 1 bytes that no array describes"),
        ([], b"a", "1 bytes that no array describes"),
        ([described([2]), described([2], name="b")], b"abc", r"arrays\[1\].shape needs 2 bytes"),
        ([described([0, 2**31, 2**31, 2**31])], b"", "shape is too large"),
        ([described([-1])], b"", "shape must hold sizes"),
        ([described([2**31 + 1, 0])], b"", "shape must hold sizes"),
        ([described([1.0])], b"a", "shape must hold sizes"),
        ([described([True])], b"a", "shape must hold sizes"),
        ([described(["1"])], b"a", "shape must hold sizes"),
        ([described([[[[]]]])], b"", "shape must hold sizes"),
        ([described([1] * 9)], b"a", "shape must have 0 to 8 items"),
        ([described(1)], b"a", "shape must be a list"),
        ([described([1], "object")], b"a", "dtype must be one of"),
        ([described([1], "float16")], b"ab", "dtype must be one of"),
        ([described([1], ["int8"])], b"a", "dtype must be a string"),
        ([described([1], name="x" * 65)], b"a", "name is 65 characters long"),
        ([described([1]), described([1])], b"ab", r"arrays\[1\].name 'a' is there twice"),
        ([described([])] * (MAX_ARRAYS + 1), b"", "arrays must have 0 to 64 items"),
        ("none", b"", "arrays must be a list"),
        ([1], b"", r"arrays\[0\] must be a JSON object"),
    ],
)
def test_a_description_that_does_not_fit_its_payload_is_refused(arrays: object, payload: bytes, message: str) -> None:
    with pytest.raises(FieldError, match=message):
        unpack(arrays, payload)
