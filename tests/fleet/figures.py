"""`python -m tests.fleet.figures --boards 200 --bundle FOLDER --other FOLDER`: what many boards cost a host.

Real processes: light boards on this machine, the command line as a user types it. Prints a table; part of `make soak`.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.support.boards.board_fleet import BoardFleet, can_fill_a_disk, provisioned_home
from tests.support.places import BUILT

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    status: int
    wall_seconds: float
    host_cpu_seconds: float
    host_peak_mib: float
    boards_cpu_seconds: float


def run(arguments: list[str], folder: Path, fleet: BoardFleet) -> Cost:
    """The command line in `folder`; what the host's process took, and what the boards' processes did meanwhile."""
    before = boards_cpu(fleet)
    start = time.monotonic()
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "edgeproof", *arguments],
        {
            **os.environ,
            "EDGEPROOF_HISTORY": str(folder / "history.sqlite3"),
            "EDGEPROOF_CONFIG": str(folder / "edgeproof.toml"),
        },
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, str(folder / "out.txt"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)],
    )
    _, status, used = os.wait4(pid, 0)
    wall = time.monotonic() - start
    time.sleep(0.5)  # the server counts a command's time when it has waited for it
    return Cost(
        os.waitstatus_to_exitcode(status),
        wall,
        used.ru_utime + used.ru_stime,
        used.ru_maxrss / 1024,
        boards_cpu(fleet) - before,
    )


def boards_cpu(fleet: BoardFleet) -> float:
    """Seconds that the server and all commands that it has waited for have worked."""
    fields = Path(f"/proc/{fleet.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def measure(count: int, bundle: Path, other: Path, forks: int, check_boards: int) -> None:
    folder = BUILT / "fleet-figures"
    with tempfile.TemporaryDirectory() as scratch, BoardFleet(folder, count, template=provisioned_home()) as fleet:
        work = Path(scratch)
        fleet.write_config(work)
        few = ["all", "--limit", "board-000", "--forks", str(forks), "--retry-file", str(work / "retry.txt")]
        many = ["all", "--forks", str(forks), "--retry-file", str(work / "retry.txt")]
        print(f"{count} boards, {forks} at a time; {os.cpu_count()} CPUs for host and boards together")
        heads = ("wall s", "host CPU s", "a board", "peak MiB", "a board", "boards CPU s")
        print(f"{'command':34}" + "".join(f"{head:>13}" for head in heads))
        commands = [
            ("push, new", ["push"], [str(bundle)]),
            ("push, unchanged", ["push"], [str(bundle)]),
            ("status", ["status"], []),
            ("fleet status", ["fleet", "status"], []),
            ("board doctor", ["board", "doctor"], []),
            ("push, new, canary 1, serial 10%", ["push"], [str(other), "--canary", "1", "--serial", "10%"]),
            ("rollback", ["rollback"], []),
            ("bench --runs 20", ["bench"], ["--runs", "20", "--warmup", "2"]),
        ]
        for title, command, more in commands:
            one = run([*command, *few, *more], work, fleet)
            print(row(f"{title}: 1", one, None, 1), flush=True)
            cost = run([*command, *many, *more], work, fleet)
            print(row(f"{title}: {count}", cost, one, count), flush=True)
        gate = ["--bundle", str(bundle), "--runs", "64", "--gate", "size < 20 MB", "--out", str(work / "check")]
        limit = [f"board-{n:03}" for n in range(check_boards)]
        one = run(["check", "board-000", *gate], work, fleet)
        print(row("check: 1", one, None, 1), flush=True)
        shutil.rmtree(work / "check", ignore_errors=True)
        cost = run(["check", *limit, "--forks", str(forks), *gate], work, fleet)
        print(row(f"check: {check_boards}", cost, one, check_boards), flush=True)


def row(title: str, cost: Cost, one: Cost | None, count: int) -> str:
    cpu = mib = ""
    if one is not None and count > 1:
        cpu = f"{(cost.host_cpu_seconds - one.host_cpu_seconds) / (count - 1):.3f}"
        mib = f"{(cost.host_peak_mib - one.host_peak_mib) / (count - 1):.2f}"
    bad = f"  exit {cost.status}" if cost.status else ""
    return (
        f"{title:34}{cost.wall_seconds:13.1f}{cost.host_cpu_seconds:13.2f}{cpu:>13}{cost.host_peak_mib:13.0f}{mib:>13}"
        f"{cost.boards_cpu_seconds:13.1f}{bad}"
    )


def faults(count: int, bundle: Path, forks: int) -> None:
    """Of `count` boards 10 refuse, 10 hang, 10 die midway, 5 have a full disk and 5 a changed host key."""
    kinds = ["refuse"] * 10 + ["hang"] * 10 + ["die"] * 10 + ["disk"] * 5 * can_fill_a_disk() + ["key"] * 5
    step = count // len(kinds)
    told = {number * step: kind for number, kind in enumerate(kinds)}
    with (
        tempfile.TemporaryDirectory() as scratch,
        BoardFleet(BUILT / "fleet-figures", count, told, template=provisioned_home()) as fleet,
    ):
        work = Path(scratch)
        fleet.write_config(work)
        results = [
            "--results",
            str(work / "results.json"),
            "--retry-file",
            str(work / "retry.txt"),
            "--forks",
            str(forks),
        ]
        cost = run(["push", "all", str(bundle), *results], work, fleet)
        document = json.loads((work / "results.json").read_text())
        reasons: dict[str, dict[str, int]] = {}
        for outcome in document["boards"]:
            kind = told.get(int(outcome["board"][-3:]), "well")
            reason = outcome["reason"] or "well"
            reasons.setdefault(kind, {}).setdefault(reason, 0)
            reasons[kind][reason] += 1
        again = {line.partition(" ")[0] for line in (work / "retry.txt").read_text().splitlines()}
        expected = {fleet.names[n] for n, kind in told.items() if kind in ("refuse", "hang", "die")}
        well = [outcome["seconds"] for outcome in document["boards"] if outcome["reason"] is None]
        print(f"push to {count} boards with faults: exit {cost.status}, {cost.wall_seconds:.1f} s wall, {reasons}")
        print(f"the slowest of the {len(well)} that went well took {max(well):.1f} s")
        print(f"the retry file holds exactly those that may succeed: {again == expected} ({len(again)})")
        print((work / "out.txt").read_text()[-3000:])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--boards", type=int, default=200)
    parser.add_argument("--check-boards", type=int, default=200)
    parser.add_argument("--forks", type=int, default=25)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--other", type=Path, required=True)
    parser.add_argument("--only-faults", action="store_true")
    told = parser.parse_args()
    if not told.only_faults:
        measure(told.boards, told.bundle.resolve(), told.other.resolve(), told.forks, told.check_boards)
    faults(told.boards, told.bundle.resolve(), told.forks)


if __name__ == "__main__":
    main()
