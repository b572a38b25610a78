"""Which kind of output contract a test's bundle has."""

from edgeproof_agent.bundle.manifest import Manifest, OutputContract, RawHeadsContract


def detections_of(manifest: Manifest) -> OutputContract:
    """The outputs of a model that ends in the post-processing operator."""
    assert isinstance(manifest.output, OutputContract)
    return manifest.output


def heads_of(manifest: Manifest) -> RawHeadsContract:
    """The outputs of a model whose boxes the agent decodes."""
    assert isinstance(manifest.output, RawHeadsContract)
    return manifest.output
