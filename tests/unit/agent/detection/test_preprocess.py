"""A picture becomes the tensor that TensorFlow's own resize would have made, bit for bit."""

import functools
import hashlib
import math
import struct
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof_agent.bundle.manifest import ColourOrder, Coordinates, InputContract, InputType, Quantization
from edgeproof_agent.detection import preprocess
from edgeproof_agent.detection.preprocess import prepare, resize_bilinear
from edgeproof_agent.detection.resampling import Resampling
from edgeproof_agent.pictures.decoding import MAX_SIDE

SIZES = [
    ((1, 1), (1, 1)),
    ((1, 1), (3, 2)),
    ((5, 7), (1, 1)),
    ((5, 7), (5, 7)),
    ((2, 3), (9, 11)),
    ((17, 13), (4, 6)),
    ((13, 5), (7, 8)),
    ((4, 9), (8, 3)),
    ((1, 8), (5, 5)),
    ((31, 2), (16, 2)),
]


def picture_of(height: int, width: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def float32(value: float) -> float:
    """Rounded once to single precision, as a float32 operation on float32 operands rounds."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def reference_weights(source: int, target: int, mode: Coordinates) -> list[tuple[int, int, float]]:
    """`compute_interpolation_weights` of tensorflow/core/kernels/image/resize_bilinear_op.cc, line by line.

    The scale is CalculateResizeScale's, the positions are LegacyScaler's and HalfPixelScaler's (image_resizer_state.h).
    """
    if mode is Coordinates.ALIGN_CORNERS and target > 1:
        scale = float32((source - 1) / (target - 1))
    else:
        scale = float32(source / target)
    weights = []
    for index in range(target):
        if mode is Coordinates.HALF_PIXEL:
            position = float32(float32(float32(index + 0.5) * scale) - 0.5)
        else:
            position = float32(index * scale)
        lower = max(math.floor(position), 0)
        upper = min(math.ceil(position), source - 1)
        weights.append((min(lower, source - 1), max(upper, 0), float32(position - math.floor(position))))
    return weights


def reference_resize(picture: np.ndarray, height: int, width: int, mode: Coordinates) -> np.ndarray:
    """`compute_lerp` of the same kernel, one value at a time."""
    if picture.shape[:2] == (height, width):
        return picture.astype(np.float32)

    def lerp(first: float, second: float, weight: float) -> float:
        return float32(first + float32(float32(second - first) * weight))

    rows = reference_weights(picture.shape[0], height, mode)
    columns = reference_weights(picture.shape[1], width, mode)
    values = [
        lerp(
            lerp(int(picture[top, left, channel]), int(picture[top, right, channel]), x_weight),
            lerp(int(picture[bottom, left, channel]), int(picture[bottom, right, channel]), x_weight),
            y_weight,
        )
        for top, bottom, y_weight in rows
        for left, right, x_weight in columns
        for channel in range(3)
    ]
    return np.array(values, np.float32).reshape(height, width, 3)


def contract_of(
    height: int,
    width: int,
    colour_order: ColourOrder = ColourOrder.BGR,
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0),
    std: tuple[float, float, float] = (1.0, 1.0, 1.0),
    dtype: InputType = InputType.FLOAT32,
    quantization: Quantization | None = None,
    coordinates: Coordinates = Coordinates.ASYMMETRIC,
) -> InputContract:
    return InputContract(height, width, colour_order, coordinates, mean, std, dtype, quantization)


@pytest.mark.parametrize("mode", Coordinates)
@pytest.mark.parametrize(("source", "target"), SIZES)
def test_resizing_gives_the_bits_of_tensorflows_kernel(
    source: tuple[int, int], target: tuple[int, int], mode: Coordinates
) -> None:
    picture = picture_of(*source)
    resized = resize_bilinear(picture, *target, mode)
    assert resized.dtype == np.float32
    assert resized.tobytes() == reference_resize(picture, *target, mode).tobytes()


@pytest.mark.parametrize("mode", Coordinates)
def test_one_colour_stays_that_colour(mode: Coordinates) -> None:
    picture = np.full((7, 5, 3), (10, 20, 30), np.uint8)
    np.testing.assert_array_equal(resize_bilinear(picture, 11, 4, mode), np.full((11, 4, 3), (10, 20, 30), np.float32))


def test_the_coordinate_modes_differ_as_their_definitions_say() -> None:
    picture = np.repeat(np.array([[0, 100]], np.uint8), 3).reshape(1, 2, 3)
    rows = {mode: resize_bilinear(picture, 1, 4, mode)[0, :, 0].tolist() for mode in Coordinates}
    assert rows[Coordinates.ASYMMETRIC] == [0.0, 50.0, 100.0, 100.0]
    assert rows[Coordinates.HALF_PIXEL] == [0.0, 25.0, 75.0, 100.0]
    assert rows[Coordinates.ALIGN_CORNERS] == pytest.approx([0.0, 100 / 3, 200 / 3, 100.0])


def test_a_picture_is_not_changed_by_preparing_it() -> None:
    picture = picture_of(6, 6)
    before = picture.copy()
    prepare(picture, contract_of(6, 6, mean=(9.0, 9.0, 9.0)))
    prepare(picture, contract_of(3, 9, colour_order=ColourOrder.RGB))
    np.testing.assert_array_equal(picture, before)


def test_a_contract_in_rgb_turns_the_channels_round() -> None:
    picture = picture_of(4, 4)
    bgr = prepare(picture, contract_of(4, 4))
    rgb = prepare(picture, contract_of(4, 4, colour_order=ColourOrder.RGB))
    np.testing.assert_array_equal(bgr[0], picture.astype(np.float32))
    np.testing.assert_array_equal(rgb, bgr[..., ::-1])


def test_mean_and_std_are_of_the_contracts_channel_order() -> None:
    picture = np.full((1, 1, 3), (30, 20, 10), np.uint8)
    contract = contract_of(1, 1, ColourOrder.RGB, mean=(10.0, 0.0, 30.0), std=(1.0, 2.0, 4.0))
    assert prepare(picture, contract).tolist() == [[[[0.0, 10.0, 0.0]]]]


def test_normalising_maps_bytes_to_minus_one_to_one() -> None:
    picture = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    contract = contract_of(1, 2, mean=(127.5, 127.5, 127.5), std=(127.5, 127.5, 127.5))
    np.testing.assert_allclose(prepare(picture, contract)[0, 0], [[-1, -1, -1], [1, 1, 1]], atol=1e-7)


ALL_BYTES = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(16, 16, 3)


@pytest.mark.parametrize("zero_point", [127, 128])
@pytest.mark.parametrize("dtype", [InputType.UINT8, InputType.INT8])
def test_quantization_rounds_real_values_to_the_nearest_step(dtype: InputType, zero_point: int) -> None:
    shift = 0 if dtype is InputType.UINT8 else 128
    contract = contract_of(
        16,
        16,
        mean=(127.5, 127.5, 127.5),
        std=(127.5, 127.5, 127.5),
        dtype=dtype,
        quantization=Quantization(1 / 127.5, zero_point - shift),
    )
    tensor = prepare(ALL_BYTES, contract)
    assert tensor.dtype == dtype.value
    assert tensor.shape == (1, 16, 16, 3)
    exact = ALL_BYTES.astype(np.float64) - 127.5 + zero_point - shift
    # Every exact value lies in the middle between two steps or on an end, where either neighbour is right.
    distance = np.abs(tensor[0].astype(np.float64) - np.clip(exact, -shift, 255 - shift))
    assert distance.max() <= 0.5 + 1e-4
    assert (np.diff(tensor[0, :, :, 0].ravel().astype(int)) >= 0).all()


@pytest.mark.parametrize("dtype", [InputType.UINT8, InputType.INT8])
def test_bytes_that_need_no_scaling_stay_the_same_bytes(dtype: InputType) -> None:
    shift = 0 if dtype is InputType.UINT8 else 128
    tensor = prepare(ALL_BYTES, contract_of(16, 16, dtype=dtype, quantization=Quantization(1.0, -shift)))
    np.testing.assert_array_equal(tensor[0].astype(int), ALL_BYTES.astype(int) - shift)


@pytest.mark.parametrize(("dtype", "low", "high"), [(InputType.UINT8, 0, 255), (InputType.INT8, -128, 127)])
def test_what_the_type_cannot_hold_is_clipped_and_does_not_wrap(dtype: InputType, low: int, high: int) -> None:
    picture = np.array([[[0, 128, 255]]], np.uint8)
    contract = contract_of(1, 1, mean=(128.0,) * 3, dtype=dtype, quantization=Quantization(0.01, 0))
    assert prepare(picture, contract).ravel().tolist() == [low, 0, high]


def test_halves_are_rounded_to_even() -> None:
    picture = np.array([[[1, 3, 5]]], np.uint8)
    contract = contract_of(1, 1, dtype=InputType.UINT8, quantization=Quantization(2.0, 0))
    assert prepare(picture, contract).ravel().tolist() == [0, 2, 2]


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 3), np.uint16),
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 1), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 0, 3), np.uint8),
    ],
    ids=lambda picture: f"{picture.dtype}-{list(picture.shape)}",
)
def test_what_is_no_picture_is_refused_with_its_type_and_shape(picture: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"a picture must be uint8 \[height, width, 3\], got " + str(picture.dtype)):
        prepare(picture, contract_of(2, 2))


def test_a_side_that_the_gather_cannot_address_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 32766 pixels"):
        prepare(np.zeros((1, MAX_SIDE + 1, 3), np.uint8), contract_of(1, 1))


def test_the_longest_side_is_read_to_its_end() -> None:
    picture = np.zeros((1, MAX_SIDE, 3), np.uint8)
    picture[0, -1] = 200
    assert (
        prepare(picture, contract_of(1, 2, coordinates=Coordinates.ALIGN_CORNERS)).ravel().tolist()
        == [0] * 3 + [200] * 3
    )


def test_the_bits_are_the_same_on_every_python_numpy_and_processor() -> None:
    """The digest was taken with Python 3.9 and numpy 1.26, and with Python 3.13 and numpy 2."""
    digest = hashlib.sha256()
    for height, width in ((33, 17), (240, 320), (300, 300)):
        values = np.arange(height * width * 3, dtype=np.uint64)
        picture = ((values * values * 2654435761 >> 7) & 255).astype(np.uint8).reshape(height, width, 3)
        for mode in Coordinates:
            for dtype, quantization in ((InputType.FLOAT32, None), (InputType.UINT8, Quantization(0.0078, 127))):
                contract = contract_of(
                    64, 96, ColourOrder.RGB, (123.7, 116.3, 103.5), (58.4, 57.1, 57.4), dtype, quantization, mode
                )
                digest.update(prepare(picture, contract).tobytes())
    assert digest.hexdigest() == "224f8aefdfc0bd8dca7525af160b1e2cfbeab198527673f07733330535c27521"


def contracts() -> st.SearchStrategy[InputContract]:
    scales = st.sampled_from([1 / 127.5, 1 / 255, 1.0, 0.02])
    quantizations = st.builds(Quantization, scales, st.sampled_from([0, 127, 128, 255]))
    return st.builds(
        InputContract,
        height=st.integers(1, 40),
        width=st.integers(1, 40),
        colour_order=st.sampled_from(ColourOrder),
        coordinates=st.sampled_from(Coordinates),
        mean=st.sampled_from([(0.0, 0.0, 0.0), (127.5, 127.5, 127.5), (123.7, 116.8, 103.9)]),
        std=st.sampled_from([(1.0, 1.0, 1.0), (127.5, 127.5, 127.5), (58.4, 57.1, 57.4)]),
        dtype=st.just(InputType.UINT8),
        quantization=quantizations,
    ) | st.builds(
        contract_of,
        st.integers(1, 40),
        st.integers(1, 40),
        st.sampled_from(ColourOrder),
        mean=st.sampled_from([(0.0, 0.0, 0.0), (127.5, 127.5, 127.5), (123.7, 116.8, 103.9)]),
        std=st.sampled_from([(1.0, 1.0, 1.0), (127.5, 127.5, 127.5), (58.4, 57.1, 57.4)]),
        coordinates=st.sampled_from(Coordinates),
    )


def reference_prepare(picture: np.ndarray, contract: InputContract) -> np.ndarray:
    """`prepare` by its definition: TensorFlow's resize, then one multiplication and one addition in float32."""
    pixels = reference_resize(picture, contract.height, contract.width, contract.coordinates)
    if contract.colour_order is ColourOrder.RGB:
        pixels = pixels[:, :, ::-1]
    std = np.array(contract.std)
    factor, offset = 1 / std, -np.array(contract.mean) / std
    if contract.quantization is not None:
        factor = factor / contract.quantization.scale
        offset = offset / contract.quantization.scale + contract.quantization.zero_point
    values = pixels * factor.astype(np.float32) + offset.astype(np.float32)
    if contract.quantization is not None:
        values = np.clip(np.rint(values), 0, 255)
    return np.asarray(values[np.newaxis], contract.dtype.value)


@settings(max_examples=150, deadline=None)
@given(contract=contracts(), height=st.integers(1, 60), width=st.integers(1, 60), stripe_bytes=st.integers(1, 9000))
def test_whatever_the_stripes_the_bits_are_the_references(
    contract: InputContract, height: int, width: int, stripe_bytes: int
) -> None:
    picture = picture_of(height + 2, width + 3)[1:-1, 2:-1]  # a view, whose rows lie apart
    expected = reference_prepare(picture, contract)
    small = functools.partial(Resampling, stripe_bytes=stripe_bytes)
    with (
        mock.patch.object(preprocess, "Resampling", small),
        mock.patch.object(preprocess, "_plans", preprocess._Plans()),
    ):
        assert prepare(picture, contract).tobytes() == expected.tobytes()


def test_a_tensor_is_written_in_place_and_its_plan_is_kept() -> None:
    contract = contract_of(30, 20, ColourOrder.RGB, dtype=InputType.UINT8, quantization=Quantization(1.0, 0))
    out = np.zeros((1, 30, 20, 3), np.uint8)
    for seed in range(3):
        picture = picture_of(50, 40, seed)
        assert prepare(picture, contract, out) is out
        np.testing.assert_array_equal(out, prepare(picture, contract))


def test_threads_do_not_share_the_memory_of_a_plan() -> None:
    contract = contract_of(64, 64)
    pictures = [picture_of(90, 70, seed) for seed in range(8)]
    expected = [prepare(picture, contract) for picture in pictures]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda index: prepare(pictures[index % 8], contract), range(400)))
    for index, tensor in enumerate(found):
        assert tensor.tobytes() == expected[index % 8].tobytes()
