"""Runs by the Python of another program: its detections on a picture, as JSON on standard output.

python detect.py LIBRARY MODEL PICTURE
"""

import json
import sys
from collections.abc import Iterator

Row = tuple[list[float], str, float]


def by_task_library(model: str, picture: str) -> Iterator[Row]:
    from tflite_support.task import core, processor, vision

    options = vision.ObjectDetectorOptions(
        core.BaseOptions(file_name=model, num_threads=1), processor.DetectionOptions(max_results=20)
    )
    found = vision.ObjectDetector.create_from_options(options).detect(vision.TensorImage.create_from_file(picture))
    for item in found.detections:
        box, best = item.bounding_box, item.categories[0]
        yield [box.origin_x, box.origin_y, box.width, box.height], best.category_name, best.score


def by_mediapipe(model: str, picture: str) -> Iterator[Row]:
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.ObjectDetectorOptions(BaseOptions(model_asset_path=model), max_results=20)
    with vision.ObjectDetector.create_from_options(options) as detector:
        for item in detector.detect(mediapipe.Image.create_from_file(picture)).detections:
            box, best = item.bounding_box, item.categories[0]
            yield [box.origin_x, box.origin_y, box.width, box.height], best.category_name, best.score


def by_opencv(model: str, picture: str) -> Iterator[Row]:
    import cv2

    network = cv2.dnn.readNetFromTFLite(model)
    image = cv2.imread(picture)
    side = 160
    network.setInput(cv2.dnn.blobFromImage(image, 1 / 127.5, (side, side), (127.5,) * 3, swapRB=True))
    height, width = image.shape[:2]
    for _, kind, score, left, top, right, bottom in network.forward().reshape(-1, 7):
        yield [left * width, top * height, (right - left) * width, (bottom - top) * height], str(int(kind)), score


if __name__ == "__main__":
    library, model, picture = sys.argv[1:]
    detect = {"tflite-support": by_task_library, "mediapipe": by_mediapipe, "opencv": by_opencv}[library]
    rows = [[[float(side) for side in box], name, float(score)] for box, name, score in detect(model, picture)]
    sys.stdout.write(json.dumps(rows))
