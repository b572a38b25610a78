"""One variant that is asked for, and whether its bundle is there already."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeproof.bundle import Bundle, open_bundle, require_replaceable, require_writable
from edgeproof.convert.variants import Variant, VariantSettings
from edgeproof.errors import BundleError
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener

CONVENTIONS = "conventions"
"""Entry of the provenance that holds what was measured: a result, so that two exports are compared without it."""


@dataclass(frozen=True)
class Job:
    settings: VariantSettings
    out_dir: Path
    provenance: dict[str, Any]

    @property
    def variant(self) -> Variant:
        return self.settings.variant


def bundles_up_to_date(jobs: Iterable[Job], name: str, progress: ProgressListener) -> dict[Variant, Bundle]:
    """The bundles that are there with the same name and provenance, each noted. What stands in the place of another
    must be a bundle, and its folder must be one to write to: raises BundleError otherwise.
    """
    bundles = {}
    for job in jobs:
        bundle = _up_to_date(job, name)
        if bundle is None:
            require_replaceable(job.out_dir)
            require_writable(job.out_dir.parent)
        else:
            bundles[job.variant] = bundle
            progress(Progress(f"{job.variant.value}: up to date", ProgressKind.NOTE))
    return bundles


def _up_to_date(job: Job, name: str) -> Bundle | None:
    try:
        bundle = open_bundle(job.out_dir)
    except BundleError:
        return None
    kept = {name: value for name, value in bundle.manifest.provenance.items() if name != CONVENTIONS}
    same = kept == job.provenance and bundle.manifest.name == name
    return bundle if same else None
