"""Measures bundles on a board, one after the other, and keeps the raw samples.

python examples/compare_bundles.py pi report.json bundles/float32 bundles/int8
"""

import sys
from pathlib import Path

import edgeproof


def main(name: str, file: str, *bundles: str) -> int:
    """Exit status 1 when a run ended early."""
    with edgeproof.Board(name) as board:
        runs = tuple(board.bench(bundle=bundle, runs=70) for bundle in bundles)
    for run in runs:
        if run.latency is not None:
            invoke = run.latency.stages["invoke"]
            print(f"{run.bundle.variant}: invoke p50 {invoke.p50_ms:.3f} ms, p90 {invoke.p90_ms:.3f} ms")
    edgeproof.write_report(edgeproof.Report.now(runs), Path(file))
    return 1 if any(run.error for run in runs) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
