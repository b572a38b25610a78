"""The agent's own decoding and suppression against the operator in the graph: at most 1.2 times its time."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgeproof_agent.bundle.manifest import BoxScales, NonMaxSuppression, RawHeadsContract
from edgeproof_agent.detection.box_decoding import BoxDecoder
from tests.benchmarks.interleaved import measure
from tests.support.networks.detection_operator import OperatorModel

ANCHORS, CLASSES, ROUNDS = 1917, 90, 200
CONTRACT = RawHeadsContract(
    0, 1, BoxScales(10.0, 10.0, 5.0, 5.0), NonMaxSuppression.FAST, 10, 1, 100, score_threshold=1e-8, iou_threshold=0.6
)


def main() -> None:
    random = np.random.default_rng(0)
    places, sizes = random.uniform(0, 1, (ANCHORS, 2)), random.uniform(0.05, 0.5, (ANCHORS, 2))
    anchors = np.concatenate([places, sizes], 1).astype(np.float32)
    # Nearly nothing everywhere, a few objects that many anchors see.
    scores = random.uniform(0, 0.004, (ANCHORS, CLASSES + 1)).astype(np.float32)
    seen = random.integers(0, ANCHORS, ANCHORS // 50)
    scores[seen, random.integers(1, CLASSES + 1, len(seen))] = random.uniform(0.2, 1, len(seen))
    encodings = random.normal(0, 0.6, (ANCHORS, 4)).astype(np.float32)
    for detections, threshold in ((10, 1e-8), (100, 1e-8), (100, 0.3)):
        contract = replace(CONTRACT, max_detections=detections, score_threshold=threshold)
        operator = OperatorModel(contract, anchors, CLASSES)
        operator.give(encodings, scores)  # in a graph it is there already
        decoder = BoxDecoder(anchors, contract)
        alternatives: dict[str, Callable[[], object]] = {
            "operator": operator.invoke,
            "agent": lambda run=decoder: run.decode(encodings, scores),  # type: ignore[misc]
        }
        title = f"{ANCHORS} anchors, {CLASSES} classes, {detections} detections, score {threshold:g}"
        measure(title, alternatives, ROUNDS)


if __name__ == "__main__":
    main()
