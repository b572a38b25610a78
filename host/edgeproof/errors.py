"""Every error that a user can meet. A message says what happened, to which board or file, and what to do next."""


class EdgeproofError(Exception):
    """Base of all errors that the command line prints as a message and exit code 2."""


class UsageError(EdgeproofError):
    """What was asked for cannot be done as it was asked."""


class ProfileError(UsageError):
    """`edgeproof.toml` is broken, or does not know the board."""


class SampleError(EdgeproofError):
    """A sample could not be fetched, or is not what was pinned."""


class PictureFolderError(UsageError):
    """A folder of pictures is missing or empty, or none of its pictures can be read."""


class DataSetError(UsageError):
    """A labelled data set is broken, or its classes and those of a model do not go together."""


class ModelError(EdgeproofError):
    """Something is wrong with a model."""


class NotAnSsdError(ModelError):
    """The source is not an SSD that edgeproof can read."""


class UnsupportedArchitectureError(NotAnSsdError):
    """An SSD of the Object Detection API whose network edgeproof does not build itself; `--via-odapi` may export it."""


class ConventionError(ModelError):
    """What was said or assumed of a source's boxes, input or background is contradicted by a measurement."""


class ConversionError(ModelError):
    """TensorFlow did not convert the model, or what it wrote is not what was asked for."""


class OdapiEnvironmentError(EdgeproofError):
    """The Object Detection API could not be set up in an environment of its own."""


class BundleError(EdgeproofError):
    """A bundle is incomplete, changed, or not one of ours."""


class HistoryError(EdgeproofError):
    """The database of earlier reports cannot be opened, read or written."""


class ReportError(EdgeproofError):
    """A report cannot be read."""


class BoardError(EdgeproofError):
    """Something is wrong with a board."""


class BoardUnreachableError(BoardError):
    """No connection: unknown name, refused, no route, or no answer in time."""


class ConnectionRefusedByBoardError(BoardUnreachableError):
    """The board's address is there, and nothing listens on the port."""


class BoardSilentError(BoardUnreachableError):
    """Nothing came in time: no answer to a connection, or no word of SSH on one."""


class BoardBusyError(BoardError):
    """Somebody else measures on the board."""


class HostKeyError(BoardError):
    """The board's host key is unknown or has changed."""


class UnknownHostKeyError(HostKeyError):
    """The board's host key has never been seen."""


class AuthenticationError(BoardError):
    """The board does not let this user in with the keys that were offered."""


class LoginShellError(BoardError):
    """The board lets the user in, and something else runs there than what was asked for."""


class BoardPythonError(BoardError):
    """The board has no Python that the agent runs on."""


class NoRuntimeError(BoardError):
    """No TFLite runtime has a wheel for this board, or none is provisioned on it."""


class ProvisionError(BoardError):
    """A runtime could not be set up on the board."""


class DeploymentError(BoardError):
    """A bundle or the agent could not be put on the board."""


class SigningError(EdgeproofError):
    """A key cannot be used to sign, or to say whose signature is wanted."""


class DeadlineError(BoardError):
    """The board did not answer in time."""


class ProtocolError(BoardError):
    """What the far side sent is not the agent's protocol."""


class AgentDiedError(BoardError):
    """The agent on the board ended before it had answered."""


class AgentRefusedError(BoardError):
    """The agent answered a request with an error. `kind` is the agent's own word for it."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind
