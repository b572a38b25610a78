"""Which step from the source to the board makes the difference."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeproof.bundle import open_bundle, write_bundle
from edgeproof.record.detections import Detections, PictureResult
from edgeproof.record.verdict.chain import ChainLink, ChainStep, deciding_step
from edgeproof.record.verdict.parity import Parity, ParityStage, PictureParity
from edgeproof.runs.variant_beside import variant_beside
from edgeproof.verify.chain import kernels_link, link_of

BOX = (0.1, 0.1, 0.4, 0.4)
ELSEWHERE = (0.6, 0.6, 0.9, 0.9)


def found(*detections: tuple[tuple[float, ...], float]) -> PictureResult:
    boxes = np.array([box for box, _ in detections], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score in detections], np.float32)
    return PictureResult("a", 100, 100, Detections(boxes, np.zeros(len(detections), np.int32), scores))


UNUSABLE = PictureResult("a", error="broken")


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        (found((BOX, 0.9)), found((BOX, 0.9)), (1, 0, 0, 1)),
        (found((BOX, 0.9)), found((ELSEWHERE, 0.9)), (0, 2, 0, 0)),
        (found((BOX, 0.9)), found((BOX, 0.9), (ELSEWHERE, 0.8)), (1, 1, 0, 0)),
        (found((BOX, 0.51)), found((BOX, 0.49)), (0, 0, 1, 1)),
        (found(), found(), (0, 0, 0, 1)),
        (UNUSABLE, UNUSABLE, (0, 0, 0, 0)),
        (UNUSABLE, found((BOX, 0.9), (ELSEWHERE, 0.8), (BOX, 0.2)), (0, 2, 0, 0)),
        (found(), UNUSABLE, (0, 1, 0, 0)),
    ],
)
def test_a_step_is_counted_by_its_two_ends(
    before: PictureResult, after: PictureResult, counts: tuple[int, ...]
) -> None:
    link = link_of(ChainStep.QUANTIZATION, [before], [after], 0.5)
    assert (link.same, link.differing, link.borderline, link.same_pictures) == counts


def test_a_step_adds_up_over_its_pictures() -> None:
    before = [found((BOX, 0.9)), found((BOX, 0.9)), UNUSABLE]
    after = [found((BOX, 0.9)), found(), UNUSABLE]
    assert link_of(ChainStep.QUANTIZATION, before, after, 0.5) == ChainLink(ChainStep.QUANTIZATION, 1, 1, 0, 1)


def test_the_boards_kernels_are_what_parity_found() -> None:
    pictures = (
        PictureParity("a", None, same=3, borderline=1),
        PictureParity("b", ParityStage.OUTPUTS, same=1, differing=2),
        PictureParity("c", None, note="neither can use it"),
    )
    assert kernels_link(Parity("x", 0.5, 0.02, pictures)) == ChainLink(ChainStep.KERNELS, 4, 2, 1, 1)


@pytest.mark.parametrize(
    ("quantization", "kernels", "decides"),
    [(5, 1, ChainStep.QUANTIZATION), (1, 5, ChainStep.KERNELS), (0, 0, None), (2, 2, None), (0, 1, ChainStep.KERNELS)],
)
def test_the_step_with_most_differences_decides(quantization: int, kernels: int, decides: ChainStep | None) -> None:
    chain = (
        ChainLink(ChainStep.CONVERSION, missing="not told"),
        ChainLink(ChainStep.QUANTIZATION, differing=quantization),
        ChainLink(ChainStep.KERNELS, differing=kernels),
    )
    assert deciding_step(chain) is decides


def test_float32_is_taken_from_beside_a_variant_of_the_very_source_only(
    tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    beside = variant_beside(open_bundle(tiny_bundles["int8"]))
    assert beside is not None
    assert beside.digest == open_bundle(tiny_bundles["float32"]).digest
    (tmp_path / "int8").symlink_to(tiny_bundles["int8"])
    assert variant_beside(open_bundle(tmp_path / "int8")) is None
    (tmp_path / "float32").symlink_to(tiny_bundles["int8"])
    assert variant_beside(open_bundle(tmp_path / "int8")) is None, "it is an int8 bundle by another name"


def test_a_float32_bundle_of_another_source_or_of_none_is_not_it(tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    def placed(variant: str, source: object) -> None:
        opened = open_bundle(tiny_bundles[variant])
        provenance = {**opened.manifest.provenance, "source": source}
        if source is None:
            del provenance["source"]
        manifest = replace(opened.manifest, provenance=provenance)
        write_bundle(tmp_path / variant, manifest, opened.model_path.read_bytes(), opened.labels())

    for here, there, same in (({"a": 1}, {"a": 1}, True), ({"a": 1}, {"a": 2}, False), (None, None, False)):
        placed("int8", here)
        placed("float32", there)
        assert (variant_beside(open_bundle(tmp_path / "int8")) is not None) == same
