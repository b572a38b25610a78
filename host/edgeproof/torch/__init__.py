"""Detectors of torchvision: `import edgeproof.torch`, then `edgeproof.torch.export(model, size)`. Needs the extra
`torch`."""

from edgeproof.torch.exporting import export

__all__ = ["export"]
