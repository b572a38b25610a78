"""SSH to a board, by paramiko."""

import importlib
import sys
import types
from typing import Any


class _LateModule(types.ModuleType):
    """Imports the module of its name when the first attribute is asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)


# paramiko needs invoke for `Match exec` in ssh_config alone, and would import asyncio and a YAML reader with it.
if "invoke" not in sys.modules and "paramiko" not in sys.modules:
    sys.modules["invoke"] = _LateModule("invoke")
    try:
        import paramiko  # noqa: F401
    finally:
        del sys.modules["invoke"]
