"""How long `edgeproof --help` takes, against Python itself."""

import subprocess
import sys

from tests.benchmarks.interleaved import measure


def run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    measure(
        "start of the command line",
        {"python -c pass": lambda: run("-c", "pass"), "edgeproof --help": lambda: run("-m", "edgeproof", "--help")},
        rounds=21,
    )
