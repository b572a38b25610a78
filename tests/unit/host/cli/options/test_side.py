"""What is compared, as it is typed."""

from pathlib import Path

import pytest

from edgeproof.cli.options.side import Side, parse_side


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bundles/int8", Side(Path("bundles/int8"), "ai-edge-litert")),
        ("bundles/int8@tflite-runtime", Side(Path("bundles/int8"), "tflite-runtime")),
        ("a@b/int8", Side(Path("a@b/int8"), "ai-edge-litert")),
        ("a@b@tflite-runtime", Side(Path("a@b"), "tflite-runtime")),
    ],
)
def test_a_side_is_a_folder_and_maybe_a_runtime(text: str, expected: Side) -> None:
    assert parse_side(text, "ai-edge-litert") == expected
