"""`python -m tests.fleet.growth --plot FILE.svg`: how a host's and a Dask scheduler's cost grow up to 10,000 boards.

Boards are simulated: a job waits as long as one on a real light board took on an idle machine, and works on nothing.
So what is measured is the host's own cost of threads, events and outcomes, and the scheduler's of tasks and resources.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

SIZES = (100, 300, 1000, 3000, 10_000)
DELAYS_SECONDS = (0.20, 0.22, 0.25, 0.31, 0.42)
"""Of `status` on light boards, one at a time: a few quantiles."""
_FORKS = 200


def of_host(count: int) -> dict[str, float]:
    from edgeproof.config.boards import BoardProfile
    from edgeproof.fleet.outcome import Done
    from edgeproof.fleet.side_by_side import side_by_side
    from edgeproof.wording.progress import ProgressListener

    chance = random.Random(1)
    boards = [BoardProfile(name=f"b{number:05}", host="h") for number in range(count)]

    def job(board: BoardProfile, progress: ProgressListener) -> Done:
        time.sleep(chance.choice(DELAYS_SECONDS))
        return Done(f"serves {board.name}", {"digest": "a" * 64})

    return _cost(lambda: side_by_side(boards, job, _FORKS, lambda _: None), count)


def of_scheduler(count: int) -> dict[str, float]:
    """The scheduler and a client in this process, workers in others; each worker offers its share of the boards."""
    import distributed

    workers = 2
    names = [f"board:b{number:05}" for number in range(count)]
    spec = {
        number: {
            "cls": distributed.Nanny,
            "options": {"nthreads": _FORKS // workers, "resources": dict.fromkeys(names[number::workers], 1.0)},
        }
        for number in range(workers)
    }
    scheduler = {"cls": distributed.Scheduler, "options": {"dashboard": False, "host": "127.0.0.1", "port": 0}}
    with (
        distributed.SpecCluster(workers=spec, scheduler=scheduler) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):

        def run() -> None:
            futures = [
                client.submit(
                    time.sleep, random.choice(DELAYS_SECONDS), key=f"cell-{name}", resources={name: 1}, pure=False
                )
                for name in names
            ]
            client.gather(futures)

        return _cost(run, count)


def _cost(run: "object", count: int) -> dict[str, float]:
    assert callable(run)
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    run()
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"boards": count, "wall_seconds": wall, "cpu_seconds": cpu, "peak_mib": after.ru_maxrss / 1024}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--one", nargs=2, metavar=("KIND", "COUNT"))
    parser.add_argument("--plot", type=Path)
    told = parser.parse_args()
    if told.one:
        kind, count = told.one
        print(json.dumps({"host": of_host, "scheduler": of_scheduler}[kind](int(count))), flush=True)
        os._exit(0)
    found: dict[str, list[dict[str, float]]] = {}
    for kind in ("host", "scheduler"):
        for size in SIZES:
            command = [sys.executable, "-m", "tests.fleet.growth", "--one", kind, str(size)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            cost = json.loads(done.stdout.strip().splitlines()[-1])
            found.setdefault(kind, []).append(cost)
            per = 1000 * cost["cpu_seconds"] / size
            print(
                f"{kind:10}{size:7} boards: {cost['wall_seconds']:7.1f} s wall, {cost['cpu_seconds']:7.2f} s CPU,"
                f" {per:6.2f} ms a board, peak {cost['peak_mib']:.0f} MiB",
                flush=True,
            )
    if told.plot is not None:
        draw(found, told.plot)


def draw(found: dict[str, list[dict[str, float]]], path: Path) -> None:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.4), layout="constrained")
    FigureCanvasSVG(figure)
    left, right = figure.subplots(1, 2)
    words = {"host": "one host, 200 at a time", "scheduler": "Dask scheduler and client"}
    for kind, costs in found.items():
        sizes = [cost["boards"] for cost in costs]
        left.loglog(
            sizes, [1000 * cost["cpu_seconds"] / cost["boards"] for cost in costs], marker="o", label=words[kind]
        )
        right.loglog(sizes, [cost["peak_mib"] for cost in costs], marker="o", label=words[kind])
    left.set(xlabel="boards", ylabel="CPU, ms a board")
    right.set(xlabel="boards", ylabel="peak memory, MiB")
    for axes in (left, right):
        axes.grid(visible=True, alpha=0.3)
    left.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
