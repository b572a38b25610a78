"""OpenCV with a limit on pixels in force. Nothing else imports `cv2`: it reads that limit as it loads."""

import os

MAX_PIXELS = 100_000_000
"""The largest picture that is decoded, in pixels: 300 MB as bytes. More than any camera of today takes."""

# Whatever the user's environment says: a larger limit there was meant for other programs.
os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(MAX_PIXELS)

import cv2  # noqa: E402

__all__ = ["MAX_PIXELS", "cv2"]
