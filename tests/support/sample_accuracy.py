"""A plausible accuracy, the same in every test run: made-up boxes on 110 pictures, and two references."""

from functools import lru_cache

import numpy as np

from edgeproof.record.accuracy.figures import DataSetFacts
from edgeproof.record.accuracy.samples import AccuracySamples, FoundObjects
from edgeproof.verify.accuracy.evaluation import Evaluated, ReferenceFacts, evaluate_accuracy
from tests.support.random_boxes import random_boxes

PICTURES = 110
LABELS = ("circle", "square", "star")


@lru_cache(maxsize=8)
def evaluated(seed: int = 7, pictures: int = PICTURES, failed: int = 0, loss: float = 0.03) -> Evaluated:
    """Of an int8 bundle; `loss` is the share of detections that float32 has and the board has not."""
    random = np.random.default_rng(seed)
    truth, found = random_boxes(random, pictures, len(LABELS), crowds=0.05, skill=0.9)
    kept = FoundObjects.from_rows(found.rows()[random.random(len(found)) >= loss])
    ids = tuple(range(101, 101 + pictures))
    samples = AccuracySamples(ids, (3, 7, 9), truth, kept, (kept, found))
    objects = int((~truth.crowd).sum())
    facts = DataSetFacts("val.json", "COCO", "ab" * 32, pictures, objects, ("hexagon",))
    references = (
        ReferenceFacts("int8", "a8" * 32, "tflite-runtime 2.14.0"),
        ReferenceFacts("float32", "3f" * 32, "tflite-runtime 2.14.0"),
    )
    return evaluate_accuracy(samples, LABELS, facts, references, failed)
