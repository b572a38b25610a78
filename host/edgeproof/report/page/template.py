"""The page's template, whose compiled form is kept: compiling takes as long as an inference on a small board."""

import contextlib
import os
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemBytecodeCache, PackageLoader, StrictUndefined, Template
from jinja2.bccache import Bucket

from edgeproof.local_files.cache_folder import cache_folder


def page_template(filters: Mapping[str, Callable[..., Any]]) -> Template:
    """`report.html.j2`, which escapes all text and fails on a name that is not there."""
    environment = Environment(
        loader=PackageLoader("edgeproof.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_compiled_templates(),
    )
    environment.filters |= filters
    return environment.get_template("report.html.j2")


class _CompiledTemplates(FileSystemBytecodeCache):
    """Jinja notices by a digest of the source that a template has changed, and by its head that Python has."""

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except (OSError, EOFError, ValueError, TypeError):  # a file that was cut, or written over
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):  # a full disk: it is compiled again next time
            super().dump_bytecode(bucket)


def _compiled_templates() -> _CompiledTemplates | None:
    """None where the folder cannot be ours alone: what lies there is run."""
    folder = cache_folder() / f"templates-{metadata.version('jinja2')}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _CompiledTemplates(str(folder)) if _is_private(folder) else None
    except OSError:
        return None


def _is_private(folder: Path) -> bool:
    status = folder.stat()
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022
