"""A whole manifest, as tests need one."""

from edgeproof_agent.bundle.manifest import (
    ColourOrder,
    Coordinates,
    Decoder,
    FileEntry,
    InputContract,
    InputType,
    Manifest,
    OutputContract,
    Quantization,
)

MANIFEST = Manifest(
    name="pedestrian",
    variant="int8",
    files={"model.tflite": FileEntry("a" * 64, 1234), "labels.txt": FileEntry("b" * 64, 7)},
    input=InputContract(
        height=300,
        width=320,
        colour_order=ColourOrder.RGB,
        coordinates=Coordinates.ASYMMETRIC,
        mean=(127.5, 127.5, 127.5),
        std=(127.5, 127.5, 127.5),
        dtype=InputType.UINT8,
        quantization=Quantization(0.0078125, 128),
    ),
    output=OutputContract(Decoder.IN_GRAPH, boxes=0, classes=1, scores=2, count=3, max_detections=10),
    label_offset=1,
    category_offset=1,
    provenance={"source": {"sha256": "c" * 64}, "tools": ["tensorflow 2.21"]},
)
