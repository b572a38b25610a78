"""Exports an SSD to a bundle and says what is in it.

python examples/export_and_inspect.py model.pb labels.txt bundles/
"""

import sys

import edgeproof


def main(model: str, labels: str, out: str) -> int:
    """Exit status 1 when a bundle is not sound."""
    sound = True
    for bundle in edgeproof.export(model, out, [edgeproof.Variant.FLOAT32], labels=labels):
        inspection = edgeproof.inspect(bundle.path)
        print(f"{bundle.path}: {bundle.manifest.variant}, {bundle.size_bytes / 1e6:.2f} MB")
        for problem in inspection.problems:
            print(f"  problem: {problem}")
        sound = sound and not inspection.problems
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
