"""The bundle of another variant of the same source: float32 tells what quantization alone does."""

from collections.abc import Sequence

from edgeproof.board.deploy import send_bundle
from edgeproof.board.open_board import OpenBoard
from edgeproof.bundle import Bundle, open_bundle
from edgeproof.errors import BundleError
from edgeproof.runs.pictures import PictureFile
from edgeproof.runs.plan import ParityPlan
from edgeproof.wording.progress import ProgressListener

FLOAT32 = "float32"


def variant_beside(bundle: Bundle, variant: str = FLOAT32) -> Bundle | None:
    """The one in the folder where export puts it, if it is of the very source; None where there is none."""
    try:
        found = open_bundle(bundle.path.absolute().parent / variant)
    except BundleError:
        return None
    source = bundle.manifest.provenance.get("source")
    same = source is not None and found.manifest.provenance.get("source") == source
    return found if same and found.manifest.variant == variant else None


def parity_plan(
    reference: OpenBoard,
    bundle: Bundle,
    pictures: Sequence[PictureFile],
    runtime: str,
    progress: ProgressListener,
) -> ParityPlan:
    """Of a bundle that is on the reference already; its float32 is sent there, too. Raises `BoardError`."""
    if bundle.manifest.variant == FLOAT32:
        return ParityPlan(reference, pictures, runtime, is_float32=True)
    beside = variant_beside(bundle)
    digest = None if beside is None else send_bundle(reference.store, beside, progress).digest
    return ParityPlan(reference, pictures, runtime, digest)
