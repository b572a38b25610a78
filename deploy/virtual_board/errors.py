"""What can go wrong with a virtual board."""

from edgeproof.errors import EdgeproofError


class VirtualBoardError(EdgeproofError):
    """The board could not be built or started, or is not there."""


class MissingToolsError(VirtualBoardError):
    """Programs of the system are missing; the message has the command that installs them."""
