"""Imports PyTorch, torchvision and litert-torch, which take seconds, only when they are used."""

import importlib
from typing import Any

from edgeproof.errors import ConversionError

_EXTRA = 'Install what it needs with: pip install "edgeproof[torch]"'


def import_torch() -> Any:
    return _import("torch")


def import_torchvision() -> Any:
    _import("torchvision.models.detection.image_list")
    return _import("torchvision")


def import_litert_torch() -> Any:
    return _import("litert_torch")


def _import(module: str) -> Any:
    """Raises ConversionError when it is not there, or does not load."""
    try:
        return importlib.import_module(module)
    except (ImportError, RuntimeError, OSError) as error:
        name = module.split(".")[0]
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConversionError(f"{name} cannot be imported ({reason}). {_EXTRA}") from error
