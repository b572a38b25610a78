"""Measures two on one board side by side, in turning blocks: A B, B A, A B ..."""

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgeproof.board.agent.session import AgentSession
from edgeproof.board.deploy import open_session
from edgeproof.board.open_board import OpenBoard
from edgeproof.board.runtime.proof import proof_model
from edgeproof.record.board import BoardState
from edgeproof.record.detections import BenchResult, joined_benches
from edgeproof.record.measured.profile import Profile
from edgeproof.record.run import BundleFacts, Run
from edgeproof.record.verdict.comparison import Comparison
from edgeproof.verify.comparison import FEWEST_PAIRS, Side, abba_order, comparison_of
from edgeproof.verify.latency import latency_of, percentile_ns
from edgeproof.verify.operator_times import profile_of
from edgeproof.wording.progress import Progress, ProgressListener, silent
from edgeproof_agent.store.objects import Kind

PAIRS = 20
_BLOCK_SECONDS = 0.25
_FEWEST_RUNS, _MOST_RUNS = 5, 200
_WARMUP_RUNS, _WARMUP_BLOCK = 5, 10
_PROFILED_RUNS, _PROFILE_SECONDS = 50, 20.0


@dataclass(frozen=True)
class Contender:
    """What is compared: a bundle that is on the board, under a runtime."""

    digest: str
    runtime: str | None = None
    threads: int | None = None


@dataclass(frozen=True)
class Compared:
    """Both runs, and what they say of each other: A's place is 0, B's is 1."""

    runs: tuple[Run, Run]
    comparison: Comparison


def compare(
    board: OpenBoard,
    contenders: tuple[Contender, Contender],
    picture: bytes,
    pairs: int = PAIRS,
    progress: ProgressListener = silent,
) -> Compared:
    """Both are loaded at once and measured in turns. Raises `BoardError` when the board fails on the way, `ValueError`
    for fewer than `FEWEST_PAIRS` pairs."""
    if pairs < FEWEST_PAIRS:
        raise ValueError(f"a comparison needs {FEWEST_PAIRS} pairs of blocks at least, not {pairs}")
    with contextlib.ExitStack() as stack:
        sessions: dict[Side, AgentSession] = {}
        runs: dict[Side, Run] = {}
        for side, contender in zip(Side, contenders, strict=True):
            progress(Progress(f"loading {side.value}"))
            sessions[side] = stack.enter_context(open_session(board, contender.runtime))
            runs[side] = _loaded(board, sessions[side], contender)
        block_runs = min(_block_runs(session, picture, progress) for session in sessions.values())
        blocks: dict[Side, list[BenchResult]] = {side: [] for side in Side}
        for done, side in enumerate(abba_order(pairs)):
            progress(Progress("measuring A and B in turns", done=done, total=2 * pairs))
            blocks[side].append(sessions[side].bench(picture, block_runs, 1))
        for side in Side:
            run = replace(runs[side], latency=latency_of(_whole(blocks[side])))
            runs[side] = replace(run, after=run.latency.after if run.latency else None)
        comparison = comparison_of(runs[Side.A], runs[Side.B], pairs, block_runs)
        if _is_told(comparison) and comparison.deciding_stage == "invoke":
            for side in Side:
                progress(Progress(f"profiling {side.value}"))
                runs[side] = replace(runs[side], profile=_profile(sessions[side], picture))
    return Compared((runs[Side.A], runs[Side.B]), comparison)


def _is_told(comparison: Comparison) -> bool:
    total = comparison.stages.get("total")
    return total is not None and total.told_apart and not comparison.void


def _profile(session: AgentSession, picture: bytes) -> Profile:
    """Which operator makes the difference, where the runtime can tell."""
    found = session.profile(picture, proof_model(), _PROFILED_RUNS, _WARMUP_RUNS, _PROFILE_SECONDS)
    return Profile(unavailable=found) if isinstance(found, str) else profile_of(found)


def _loaded(board: OpenBoard, session: AgentSession, contender: Contender) -> Run:
    loaded = session.load(board.store.path(Kind.BUNDLE, contender.digest), contender.threads)
    return Run(
        BundleFacts.of(contender.digest, loaded.manifest),
        board.info,
        session.runtime,
        load=loaded.load,
        before=session.state(),
    )


def _block_runs(session: AgentSession, picture: bytes, progress: ProgressListener) -> int:
    """Warms up; as many runs as fill a block's time. The slower one decides, lest its blocks take minutes."""
    progress(Progress("warming up"))
    median_ns = percentile_ns(session.bench(picture, _WARMUP_BLOCK, _WARMUP_RUNS).samples_ns["total"], 50)
    return min(max(math.ceil(_BLOCK_SECONDS * 1e9 / max(median_ns, 1)), _FEWEST_RUNS), _MOST_RUNS)


def _whole(blocks: Sequence[BenchResult]) -> BenchResult:
    """One bench of many blocks. Its states pass as much time, and CPU time, as its own blocks took together."""
    first, last = blocks[0], blocks[-1]
    after = last.after if first.before is None or last.after is None else _after_all(blocks, first.before, last.after)
    return replace(joined_benches(blocks), warmup_runs=_WARMUP_RUNS + _WARMUP_BLOCK, after=after)


def _after_all(blocks: Sequence[BenchResult], before: BoardState, after: BoardState) -> BoardState:
    def passed(name: str) -> float | None:
        start = getattr(before, name)
        if start is None:
            return None
        pairs = [(getattr(block.before, name, None), getattr(block.after, name, None)) for block in blocks]
        return float(start) + math.fsum(end - begin for begin, end in pairs if begin is not None and end is not None)

    return replace(
        after,
        busy_cpu_seconds=passed("busy_cpu_seconds"),
        own_cpu_seconds=passed("own_cpu_seconds"),
        uptime_seconds=passed("uptime_seconds"),
    )
