"""What databases say, in words of this package."""

import contextlib
from collections.abc import Iterator

from edgeproof.errors import HistoryError


@contextlib.contextmanager
def explained(shown: str) -> Iterator[None]:
    """A database's own errors in one line, without what was sent to it."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
        raise HistoryError(
            f"The history at {shown} cannot be used: {reason[0]}. Put that right, or name another one: "
            "EDGEPROOF_HISTORY=FILE"
        ) from None
