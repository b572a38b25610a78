"""What a wheel brings that the agent never loads: an accelerator's libraries, and tools that compile for one.

The agent runs the interpreter on the CPU; what else it is told to run on is an external delegate of the board's own.
Of ai-edge-litert 2.3.0 these are 31 MB of 63 (x86_64): a WebGPU accelerator, and compilers for five vendors' NPUs.
"""

import re
from pathlib import Path

_PACKAGE = "ai_edge_litert"
_UNUSED = re.compile(rf"{_PACKAGE}/(?:lib\w*Accelerator\.so|vendors/.+|tools/apply_plugin_main)")


def is_unused(name: str) -> bool:
    """Of a file by its name in a wheel."""
    return _UNUSED.fullmatch(name) is not None


def drop_unused(packages: Path) -> None:
    """Takes such files out of a folder of installed packages, and the folders that are empty then."""
    for path in sorted(packages.glob(f"{_PACKAGE}/**/*"), reverse=True):  # what is in a folder comes ahead of it
        if is_unused(path.relative_to(packages).as_posix()):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()
    vendors = packages / _PACKAGE / "vendors"
    if vendors.is_dir():
        vendors.rmdir()
