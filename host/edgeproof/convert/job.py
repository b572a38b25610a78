"""One variant that is asked for, and whether its bundle is there already."""

from collections.abc import Iterable, Mapping
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
            stale = _differs(job, name)
            if stale:
                text = f"{job.variant.value}: exported again, since {' and '.join(stale)} changed"
                progress(Progress(text, ProgressKind.NOTE))
        else:
            bundles[job.variant] = bundle
            progress(Progress(f"{job.variant.value}: up to date", ProgressKind.NOTE))
    return bundles


def _up_to_date(job: Job, name: str) -> Bundle | None:
    try:
        bundle = open_bundle(job.out_dir)
    except BundleError:
        return None
    return None if _differences(bundle, job, name) else bundle


def _differs(job: Job, name: str) -> list[str]:
    """What is not as the bundle that is there was made; nothing where none can be read."""
    try:
        bundle = open_bundle(job.out_dir)
    except BundleError:
        return []
    return _differences(bundle, job, name)


def _differences(bundle: Bundle, job: Job, name: str) -> list[str]:
    """Sections of the provenance, and the name. A tool that is not installed here says nothing against a bundle."""
    # What was measured of the source is a finding of the export, not something asked of it.
    made, wanted = (
        {name: value for name, value in provenance.items() if name != CONVENTIONS}
        for provenance in (bundle.manifest.provenance, job.provenance)
    )
    tools = made.get("tools")
    if isinstance(tools, Mapping):
        wanted["tools"] = {
            tool: tools.get(tool) if version is None else version for tool, version in wanted["tools"].items()
        }
    words = {"source": "its source", "settings": "its options", "tools": "edgeproof or a tool"}
    words["calibration"] = "its calibration pictures"
    differing = [
        words.get(section, section) for section in sorted({*made, *wanted}) if made.get(section) != wanted.get(section)
    ]
    return differing + ["its name"] * (bundle.manifest.name != name)
