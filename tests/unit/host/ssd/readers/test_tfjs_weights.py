"""Weights are read from shards in every type that a manifest declares, and never from elsewhere."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.readers.tfjs_weights import read_weights


def read(folder: Path, weights: list[dict[str, Any]], *shards: bytes) -> dict[str, np.ndarray]:
    paths = [f"shard{number}" for number in range(len(shards))]
    for path, data in zip(paths, shards, strict=True):
        (folder / path).write_bytes(data)
    return read_weights([{"paths": paths, "weights": weights}], folder, "model.json")


def test_plain_types_over_a_shard_boundary(tmp_path: Path) -> None:
    data = np.arange(4, dtype="<f4").tobytes() + np.array([-7], "<i4").tobytes() + b"\x01\x00" + b"\xff"
    weights: list[dict[str, Any]] = [
        {"name": "a", "shape": [2, 2], "dtype": "float32"},
        {"name": "b", "shape": [], "dtype": "int32"},
        {"name": "c", "shape": [2], "dtype": "bool"},
        {"name": "d", "shape": [1], "dtype": "uint8"},
    ]
    found = read(tmp_path, weights, data[:7], data[7:])
    np.testing.assert_array_equal(found["a"], np.array([[0, 1], [2, 3]], np.float32))
    assert found["b"] == -7
    assert found["b"].shape == ()
    assert found["c"].tolist() == [True, False]
    assert found["d"].dtype == np.uint8


@pytest.mark.parametrize(
    ("quantization", "data", "expected"),
    [
        ({"dtype": "uint8", "scale": 0.5, "min": -1.0}, b"\x00\x04", [-1.0, 1.0]),
        ({"dtype": "uint16", "scale": 0.25, "min": 2.0}, b"\x00\x00\x04\x00", [2.0, 3.0]),
        ({"dtype": "float16"}, np.array([0.5, -2], "<f2").tobytes(), [0.5, -2.0]),
    ],
)
def test_quantized_weights_become_float32(
    tmp_path: Path, quantization: dict[str, Any], data: bytes, expected: list[float]
) -> None:
    weight = {"name": "a", "shape": [2], "dtype": "float32", "quantization": quantization}
    found = read(tmp_path, [weight], data)["a"]
    assert found.dtype == np.float32
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        ({"name": "a", "shape": [3], "dtype": "float32"}, "weight 'a' cannot be read .4 bytes are missing"),
        ({"name": "a", "shape": [-2], "dtype": "float32"}, "weight 'a' cannot be read"),
        ({"name": "a", "shape": [2], "dtype": "string"}, "weight 'a' cannot be read"),
        ({"name": "a", "shape": [1], "dtype": "float32"}, "hold 8 bytes, the weights take 4"),
    ],
)
def test_weights_that_do_not_fit_their_shards_are_refused(tmp_path: Path, weight: dict[str, Any], words: str) -> None:
    with pytest.raises(NotAnSsdError, match=words):
        read(tmp_path, [weight], b"\0" * 8)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "a/../../b", "https://example.com/shard"])
def test_a_shard_lies_beside_its_model(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotAnSsdError, match="does not lie beside it"):
        read_weights([{"paths": [name], "weights": []}], tmp_path, "model.json")
