"""Puts a bundle on a board and says what it sees on pictures.

python examples/push_and_detect.py pi bundles/int8 photo.jpg
"""

import sys

import edgeproof


def main(name: str, bundle: str, *pictures: str) -> int:
    """Exit status 1 when a picture failed."""
    with edgeproof.Board(name) as board:
        board.provision()
        deployment = board.push(bundle)
        run = board.detect(*pictures, app=deployment.app)
    for picture in run.pictures:
        found = ", ".join(f"{item.label} {item.score:.2f}" for item in picture.detections)
        print(f"{picture.name}: {picture.error or found or 'nothing'}")
    return 1 if run.error or any(picture.error for picture in run.pictures) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
