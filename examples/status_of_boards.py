"""What each of the named boards serves; a board that does not answer is a line, too.

python examples/status_of_boards.py kitchen garage
"""

import sys

import edgeproof


def main(*names: str) -> int:
    """Exit status 1 when a board did not answer."""
    answered = True
    for name in names:
        try:
            status = edgeproof.Board(name).status()
        except edgeproof.EdgeproofError as error:
            print(f"{name}: {error}")
            answered = False
            continue
        for app, links in status.apps.items():
            current = links.current
            print(f"{name}: {app} serves {current.name} {current.variant}" if current else f"{name}: {app} is empty")
    return 0 if answered else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
