"""Digests of what each step of a detection made, so that two machines find the first step where they part."""

import hashlib
from typing import Any

import numpy as np

from edgeproof_agent.detection.detector import Detector
from edgeproof_agent.detection.preprocess import prepare


def step_digests(detector: Detector, pixels: np.ndarray) -> dict[str, Any]:
    """SHA-256 of the decoded pixels, the input tensor and each output tensor of the inference just made on `pixels`.

    The input is prepared again: the interpreter may reuse its memory while it runs.
    """
    return {
        "pixels": array_digest(pixels),
        "input": array_digest(prepare(pixels, detector.manifest.input)),
        "outputs": [array_digest(tensor) for tensor in detector.raw_outputs()],
    }


def array_digest(array: np.ndarray) -> str:
    """SHA-256 over dtype, shape and little-endian values."""
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    head = f"{array.dtype.name} {list(array.shape)}\n".encode()
    return hashlib.sha256(head + np.ascontiguousarray(little).tobytes()).hexdigest()
