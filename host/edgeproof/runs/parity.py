"""Runs pictures through one bundle on a board and here, and holds the results against each other step by step."""

from edgeproof.board.agent.session import AgentSession
from edgeproof.board.deploy import open_session
from edgeproof.local_files.bounded_files import MAX_PICTURE_BYTES, read_bounded
from edgeproof.record.detections import PictureResult
from edgeproof.record.verdict.parity import Parity, PictureParity
from edgeproof.runs.picture_reading import read_pictures
from edgeproof.runs.plan import ParityPlan
from edgeproof.verify.parity import SCORE_TOLERANCE, output_delta, outputs_needed, picture_parity
from edgeproof.wording.progress import Progress, ProgressListener
from edgeproof_agent.store.objects import Kind


def measure_parity(
    board: AgentSession, digest: str, plan: ParityPlan, min_score: float, progress: ProgressListener
) -> Parity:
    """`board` is a session with the bundle loaded. Files that cannot be read count as pictures that neither can use."""
    with open_session(plan.reference, plan.runtime) as host:
        host.load(plan.reference.store.path(Kind.BUNDLE, digest))
        runtime = f"{host.runtime.name} {host.runtime.version}"
        total = 2 * len(plan.pictures)
        here = _results(host, plan, "host", progress, 0, total)
        there = _results(board, plan, "board", progress, len(plan.pictures), total)
        pictures = tuple(
            _held_against(plan, place, one, other, host, board, min_score)
            for place, (one, other) in enumerate(zip(here, there, strict=True))
        )
    return Parity(runtime, min_score, SCORE_TOLERANCE, pictures)


def _results(
    session: AgentSession, plan: ParityPlan, who: str, progress: ProgressListener, done: int, total: int
) -> list[PictureResult]:
    """In the order of the plan's pictures."""
    outcomes: dict[str, PictureResult] = {}
    text = f"parity: pictures on the {who}"
    progress(Progress(text, done=done, total=total))
    for result in session.detect(read_pictures(plan.pictures, outcomes), digests=True):
        outcomes[result.name] = result
        progress(Progress(text, done=done + len(outcomes), total=total))
    return [outcomes[file.name] for file in plan.pictures]


def _held_against(
    plan: ParityPlan,
    place: int,
    here: PictureResult,
    there: PictureResult,
    host: AgentSession,
    board: AgentSession,
    min_score: float,
) -> PictureParity:
    delta = None
    if outputs_needed(here, there):
        data = read_bounded(plan.pictures[place].path, MAX_PICTURE_BYTES)
        delta = output_delta(host.outputs(data), board.outputs(data))
    return picture_parity(here, there, min_score, delta)
