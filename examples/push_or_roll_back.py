"""Pushes a bundle, and goes back to the one before when it does not see what it should.

python examples/push_or_roll_back.py pi bundles/int8 photo.jpg person
"""

import sys

import edgeproof


def main(name: str, bundle: str, picture: str, label: str) -> int:
    """Exit status 1 when the bundle was taken back."""
    with edgeproof.Board(name) as board:
        deployment = board.push(bundle)
        run = board.detect(picture, app=deployment.app)
        seen = {item.label for found in run.pictures for item in found.detections}
        if label in seen:
            print(f"{deployment.app} sees {label}: kept")
            return 0
        before = board.rollback(deployment.app)
        print(f"{deployment.app} sees no {label}: back to {before.digest[:12]}")
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
