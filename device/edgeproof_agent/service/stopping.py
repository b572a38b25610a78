"""The end of a service by its manager's wish."""

import signal


class StoppedError(BaseException):
    """The manager wants the service to end. Not to be taken for a failure of what is under way."""


def stop_by_signal() -> None:
    """From now on SIGTERM and SIGINT raise `StoppedError` in the main thread, once."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)


def _stop(*_: object) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise StoppedError
