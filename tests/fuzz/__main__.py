"""`python -m tests.fuzz --seconds N [--target NAME] [--seed S]`, or `--again FILE` for an input that was found."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.running import feed
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Exit status 1 when something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for all targets together")
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--again", type=Path)
    options = parser.parse_args()
    if options.again is not None:
        target = TARGETS[options.again.name.rpartition("-")[0]]
        with tempfile.TemporaryDirectory() as folder:
            target.feed(options.again.read_bytes(), Path(folder))
        return 0
    chosen = options.target or sorted(TARGETS)
    total, findings = 0, 0
    print(f"seed {options.seed}")
    for name in chosen:
        outcome = feed(TARGETS[name], options.seed, seconds=options.seconds / len(chosen))
        total += outcome.inputs
        findings += outcome.finding is not None
        print(f"{name:24s} {outcome.inputs:9,d} inputs  {outcome.finding or 'nothing found'}", flush=True)
    print(f"{'together':24s} {total:9,d} inputs  {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
