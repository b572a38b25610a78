"""The part of edgeproof that runs on the board: Python 3.9+, numpy, OpenCV and a TFLite interpreter; nothing else."""

__version__ = "0.1.0"

PROTOCOL_VERSION = 1
"""Version of the messages in `operations` and `store_operations`; host and board must agree on it in the first exchange."""
