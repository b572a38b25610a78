"""The model that a runtime proves itself with: it adds one to its float32 input."""

from importlib import resources


def proof_model() -> bytes:
    """The .tflite."""
    return (resources.files("edgeproof.board.runtime") / "proof.tflite").read_bytes()
