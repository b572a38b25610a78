"""What a peer could send that means harm, or is simply broken: for the property-based tests of both directions."""

import os
import struct
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from edgeproof_agent.wire.frames import MAGIC, encode_frame

settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

DIGEST = "a" * 64

NASTY_TEXTS = st.sampled_from(
    ["", "../x", "/etc/passwd", "a/../../x", "\0", "\ud800", "\x1b[2J", "x" * 5000, "~nobody-knows", "NaN", DIGEST, "²"]
)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63),
    st.sampled_from([0, 1, -1, 2**31, 2**53, 2**62, 10**18]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1e308, -0.0, 5e-324]),
    NASTY_TEXTS,
    st.text(max_size=20),
)

JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NASTY_TEXTS | st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)

NAMED_ARRAYS: st.SearchStrategy[Any] = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.sampled_from(["boxes", "classes", "scores", "jpeg", "invoke", "total", "input"]) | JSON,
            "dtype": st.sampled_from(["float32", "int32", "int64", "uint8", "object"]) | JSON,
            "shape": st.lists(st.sampled_from([0, 1, 2, 4, 10, -1, 2**31, 1.5, None, [[]]]), max_size=9) | JSON,
        },
    )
    | JSON,
    max_size=5,
)

PAYLOADS = st.one_of(st.just(b""), st.binary(max_size=80), st.integers(0, 400).map(bytes))


def framed(header: dict[str, Any], payload: bytes = b"") -> bytes:
    return encode_frame(header, payload)


def raw_frame(text: bytes, payload: bytes = b"") -> bytes:
    """A frame whose header is whatever these bytes are."""
    return struct.pack(">4sII", MAGIC, len(text), len(payload)) + text + payload


def claiming(header_bytes: int, payload_bytes: int, magic: bytes = MAGIC) -> bytes:
    """A prefix alone, which claims that this much follows."""
    return struct.pack(">4sII", magic, header_bytes, payload_bytes)


BAD_HEADERS = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"[" * 200_000,
            b'{"id":' * 50_000,
            b'{"id":' + b"9" * 100_000 + b"}",
            b'{"id": NaN}',
            b'{"id": 1e999}',
            b'{"id": -Infinity}',
            b'{"id": 1, "op": "\\ud800"}',
            b"null",
            b"[]",
            b"\xff\xfe{}",
            b'{"id": 1, "id": "x"}',
        ]
    ),
)

NOT_FRAMES = st.one_of(
    st.binary(min_size=1, max_size=80),
    BAD_HEADERS.map(raw_frame),
    st.builds(
        claiming,
        st.sampled_from([0, 1, 2, 1 << 20, (1 << 20) + 1, 2**31, 2**32 - 1]),
        st.sampled_from([0, 1, 1 << 26, (1 << 26) + 1, 2**31, 2**32 - 1]),
        st.sampled_from([MAGIC, MAGIC, b"EPR2", b"HTTP", b"\0\0\0\0"]),
    ),
)


def mutated(data: bytes, position: int, change: bytes, cut: bool) -> bytes:
    """`data` with other bytes at a place, or ended there."""
    place = position % (len(data) + 1)
    return data[:place] if cut else data[:place] + change + data[place + len(change) :]


MUTATIONS = st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=4), st.booleans())
