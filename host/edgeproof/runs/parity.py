"""Runs pictures through one bundle on a board and here, and holds the results against each other step by step."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from edgeproof.board.agent.loading import LoadedBundle
from edgeproof.board.agent.session import AgentSession
from edgeproof.board.deploy import open_session
from edgeproof.local_files.bounded_files import MAX_PICTURE_BYTES, read_bounded
from edgeproof.local_files.shrunken_picture import shrunken_jpeg
from edgeproof.record.detections import PictureResult
from edgeproof.record.pictures import Detection, Picture
from edgeproof.record.verdict.chain import ChainLink, ChainStep
from edgeproof.record.verdict.parity import BothSides, Parity, PictureParity
from edgeproof.runs.picture_reading import read_pictures
from edgeproof.runs.pictures import PictureFile
from edgeproof.runs.plan import ParityPlan
from edgeproof.verify.chain import CONVERSION, kernels_link, link_of
from edgeproof.verify.parity import SCORE_TOLERANCE, output_delta, outputs_needed, picture_parity
from edgeproof.wording.progress import Progress, ProgressListener
from edgeproof_agent.store.objects import Kind

_MOST_SHOWN = 40
"""Pictures that the report keeps a shrunken copy of: those with the most differences."""
_SHOWN_WIDTH, _SHOWN_QUALITY = 400, 75


@dataclass(frozen=True)
class _Counted:
    """Tells how many pictures have been through, over all passes."""

    progress: ProgressListener
    total: int

    def results(self, session: AgentSession, files: Sequence[PictureFile], who: str, done: int) -> list[PictureResult]:
        """In the order of the files."""
        outcomes: dict[str, PictureResult] = {}
        text = f"parity: pictures on the {who}"
        self.progress(Progress(text, done=done, total=self.total))
        for result in session.detect(read_pictures(files, outcomes), digests=True):
            outcomes[result.name] = result
            self.progress(Progress(text, done=done + len(outcomes), total=self.total))
        return [outcomes[file.name] for file in files]


def measure_parity(
    board: AgentSession,
    digest: str,
    loaded: LoadedBundle,
    plan: ParityPlan,
    min_score: float,
    progress: ProgressListener,
) -> Parity:
    """`board` is a session with the bundle loaded. Files that cannot be read count as pictures that neither can use."""
    count = len(plan.pictures)
    counted = _Counted(progress, count * (2 if plan.float32_digest is None else 3))
    with open_session(plan.reference, plan.runtime) as host:
        host.load(plan.reference.store.path(Kind.BUNDLE, digest))
        runtime = f"{host.runtime.name} {host.runtime.version}"
        here = counted.results(host, plan.pictures, "host", 0)
        there = counted.results(board, plan.pictures, "board", count)
        pictures = tuple(
            _held_against(plan, place, one, other, host, board, min_score)
            for place, (one, other) in enumerate(zip(here, there, strict=True))
        )
    parity = Parity(runtime, min_score, SCORE_TOLERANCE, pictures)
    pictures = tuple(_shown(parity, here, there, plan.pictures, loaded))
    links = [CONVERSION, _quantization(plan, counted, here, min_score), kernels_link(parity)]
    return replace(parity, pictures=pictures, chain=tuple(link for link in links if link is not None))


def _quantization(
    plan: ParityPlan, counted: _Counted, variant: Sequence[PictureResult], min_score: float
) -> ChainLink | None:
    """None for a float32 bundle, which nothing was quantized for."""
    if plan.is_float32:
        return None
    if plan.float32_digest is None:
        return ChainLink(
            ChainStep.QUANTIZATION, missing="there is no float32 bundle of this source beside it: export one"
        )
    with open_session(plan.reference, plan.runtime) as host:
        host.load(plan.reference.store.path(Kind.BUNDLE, plan.float32_digest))
        results = counted.results(host, plan.pictures, "host, float32", 2 * len(plan.pictures))
    return link_of(ChainStep.QUANTIZATION, results, variant, min_score)


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


def _shown(
    parity: Parity,
    here: Sequence[PictureResult],
    there: Sequence[PictureResult],
    files: Sequence[PictureFile],
    loaded: LoadedBundle,
) -> Iterator[PictureParity]:
    """Each picture, with what both found where they part; the worst of them with the picture itself."""
    worst = {picture.name for picture in parity.worst(_MOST_SHOWN)}
    lowest = max(parity.min_score - parity.score_tolerance, 0.0)

    def found(result: PictureResult) -> tuple[Detection, ...]:
        return Picture.of(result, loaded.labels, loaded.manifest.label_offset, lowest).detections

    by_name: Mapping[str, PictureFile] = {file.name: file for file in files}
    for picture, one, other in zip(parity.pictures, here, there, strict=True):
        if picture.parts_at is None:
            yield picture
            continue
        name = picture.name
        jpeg = shrunken_jpeg(by_name[name].path, _SHOWN_WIDTH, _SHOWN_QUALITY) if name in worst else None
        width, height = max((one.width, one.height), (other.width, other.height))
        yield replace(picture, sides=BothSides(found(one), found(other), width, height, jpeg))
