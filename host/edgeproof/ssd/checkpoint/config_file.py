"""Reads a `pipeline.config`, whatever model it describes."""

from pathlib import Path

from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.ssd.checkpoint.config_section import Section
from edgeproof.ssd.protobuf_text import parse_protobuf_text

_MAX_BYTES = 4 << 20


def read_config(path: Path) -> Section:
    """Its outermost message. Raises NotAnSsdError when it cannot be read or is broken."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise NotAnSsdError(f"{path}: it is over {_MAX_BYTES >> 20} MiB, too much for a pipeline.config.")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise NotAnSsdError(f"{path}: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise NotAnSsdError(f"{path}: it is not UTF-8 text, so no pipeline.config.") from None
    return parse_config(text, str(path))


def parse_config(text: str, file: str) -> Section:
    """The same of a text that came from `file`."""
    try:
        return Section(parse_protobuf_text(text, file), "", file)
    except UsageError as error:
        raise NotAnSsdError(f"{error} Give the pipeline.config that the model was trained with.") from error
