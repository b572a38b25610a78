"""edgeproof: takes an SSD detector from a TensorFlow model to a proof on an ARM board."""

from edgeproof_agent import __version__ as __version__
