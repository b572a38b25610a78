"""Reads a `pipeline.config`, whatever model it describes."""

from pathlib import Path

from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.local_files.bounded_files import read_bounded, readable
from edgeproof.ssd.checkpoint.config_section import Section
from edgeproof.ssd.files.protobuf_text import parse_protobuf_text

_MAX_BYTES = 4 << 20


def read_config(path: Path) -> Section:
    """Its outermost message. Raises NotAnSsdError when it cannot be read or is broken."""
    with readable(path, NotAnSsdError, "Give a pipeline.config."):
        text = read_bounded(path, _MAX_BYTES).decode("utf-8-sig")
    return parse_config(text, str(path))


def parse_config(text: str, file: str) -> Section:
    """The same of a text that came from `file`."""
    try:
        return Section(parse_protobuf_text(text, file), "", file)
    except UsageError as error:
        raise NotAnSsdError(f"{error} Give the pipeline.config that the model was trained with.") from error
