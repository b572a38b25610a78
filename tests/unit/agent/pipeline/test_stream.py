"""A frame is detected on by its tensor where it has one, else by its picture."""

from typing import Any

import numpy as np

from edgeproof_agent.pipeline.handover import FrameSlot
from edgeproof_agent.pipeline.stream import detect_frame


class Detector:
    def detect(self, *arguments: Any) -> Any:
        return "picture", *arguments

    def detect_prepared(self, *arguments: Any) -> Any:
        return "tensor", *arguments


def test_the_tensor_of_a_frame_is_taken_with_the_time_that_it_took() -> None:
    picture, tensor = np.zeros((4, 6, 3), np.uint8), np.zeros((1, 2, 2, 3), np.float32)
    detector: Any = Detector()
    called: Any = detect_frame
    frame = FrameSlot(picture, tensor=tensor, prepare_ns=9)
    assert called(detector, frame, {"capture": 1}) == ("tensor", tensor, 4, 6, {"capture": 1, "preprocess": 9})
    assert called(detector, FrameSlot(picture), {"capture": 1}) == ("picture", picture, {"capture": 1})
