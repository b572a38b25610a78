"""Where PyTorch is not installed the module can be imported, and what is missing is told with its extra.

What it makes of torchvision's detectors is tested in tests/pytorch, beside PyTorch.
"""

import importlib.util
import sys
from pathlib import Path

import pytest

import edgeproof.torch
from edgeproof.errors import ConversionError
from edgeproof.torch.importing import import_litert_torch


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="PyTorch is installed")
def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"torch cannot be imported .*pip install \"edgeproof\[torch\]\""):
        edgeproof.torch.export(object(), 320, tmp_path)


def test_a_library_that_does_not_load_is_told_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litert_torch", None)
    with pytest.raises(ConversionError, match=r"litert_torch cannot be imported \(import of litert_torch halted"):
        import_litert_torch()
