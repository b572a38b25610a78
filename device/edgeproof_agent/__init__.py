"""The part of edgeproof that runs on the board: Python 3.9+, numpy, OpenCV and a TFLite interpreter; nothing else."""

__version__ = "0.1.0"

PROTOCOL_VERSION = 1
"""Version of the messages; host and board agree on it in their first exchange."""
