"""The agent's detector against the loop that a user would write: decode, cv2.resize, normalise, invoke."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

from edgeproof.convert.export import export
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.variants import Variant
from edgeproof.sample.pedestrian import fetch_pedestrian

FOLDER = Path("build/bench")
VARIANTS = (Variant.FLOAT32, Variant.INT8)


def main() -> None:
    sample = fetch_pedestrian(FOLDER / "sample")
    options = ExportOptions(name=sample.name, labels=sample.labels)
    bundles = export(sample.model, FOLDER / "bundles", VARIANTS, sample.calibration, options)
    for bundle in bundles:
        # A process of its own: TensorFlow and another TFLite runtime do not go together.
        job = json.dumps({"bundle": str(bundle.path), "photo": str(sample.photos[0])})
        subprocess.run([sys.executable, "-m", "tests.benchmarks.pipeline", job], check=True)


def compare(bundle: Path, photo: Path) -> None:
    import cv2
    import numpy as np

    from edgeproof_agent.detection.detector import load_detector
    from edgeproof_agent.detection.interpreters import default_threads, import_runtime
    from tests.benchmarks.interleaved import measure

    data = cv2.imencode(".jpg", cv2.imread(str(photo)))[1].tobytes()
    detector = load_detector(bundle, import_runtime("ai-edge-litert"), default_threads())
    module = importlib.import_module("ai_edge_litert.interpreter")
    bare = module.Interpreter(str(bundle / "model.tflite"), num_threads=default_threads())
    bare.allocate_tensors()
    details, outputs = bare.get_input_details()[0], bare.get_output_details()
    scale, zero_point = details["quantization"]

    def by_hand() -> None:
        picture = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        resized = cv2.resize(picture, (300, 300)).astype(np.float32) * np.float32(2 / 255) - np.float32(1)
        if scale:
            resized = np.clip(np.rint(resized / scale) + zero_point, 0, 255).astype(details["dtype"])
        bare.set_tensor(details["index"], resized[np.newaxis])
        bare.invoke()
        for output in outputs:
            bare.get_tensor(output["index"])

    measure(
        f"a 512 x 512 JPEG through {bundle.name} (ai-edge-litert)",
        {"bare interpreter loop": by_hand, "edgeproof agent": lambda: detector.detect_encoded(data)},
        rounds=200,
    )


if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    compare(Path(job["bundle"]), Path(job["photo"]))
