"""The cameras that libcamera knows, asked of picamera2 in the system's own Python."""

import json
import subprocess
from typing import Any

SYSTEM_PYTHON = "/usr/bin/python3"
_SECONDS = 20.0
_NO_PICAMERA = 3
_MOST = 16
_QUESTION = f"""
import os, sys
output = os.dup(1)
os.dup2(2, 1)  # what libcamera prints
try:
    from picamera2 import Picamera2
except ImportError:
    sys.exit({_NO_PICAMERA})
import json
os.write(output, json.dumps(Picamera2.global_camera_info(), default=str).encode())
"""


def list_libcamera(python: str = SYSTEM_PYTHON) -> dict[str, Any]:
    """`cameras`, each with its number, model and id; or `trouble`: why none can be told."""
    try:
        done = subprocess.run(
            [python, "-c", _QUESTION], stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except Exception as error:  # noqa: BLE001  # not there, not to be run, without an answer: all the same here
        return {"cameras": [], "trouble": f"picamera2 cannot be asked: {type(error).__name__}"}
    if done.returncode == _NO_PICAMERA:
        return {"cameras": [], "trouble": "the system's Python has no picamera2 (Debian: python3-picamera2)"}
    try:
        found = json.loads(done.stdout)
        return {
            "cameras": [
                {
                    "number": int(one.get("Num", place)),
                    "model": str(one.get("Model", ""))[:200],
                    "id": str(one["Id"])[:200],
                }
                for place, one in enumerate(found[:_MOST])
            ]
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        last = done.stderr.decode("utf-8", errors="replace").strip().splitlines()[-1:] or ["it gave no list"]
        return {"cameras": [], "trouble": f"picamera2 cannot be asked: {last[0][:300]}"}
