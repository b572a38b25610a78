"""What travels to a board before edgeproof has its first answer, in bytes.

python examples/agent_start.py
"""

import json
import sys
import zlib

from edgeproof.board.store.agent_object import agent_object
from edgeproof.board.store.bootstrap import store_service_command, store_service_source


def main() -> int:
    command = store_service_command("python3")
    source = store_service_source()
    modules: dict[str, str] = json.loads(zlib.decompress(source[8:]))
    agent = agent_object()
    rows = {
        "the command, in one SSH request": len(command.encode()),
        "the length of what follows": 8,
        "the store service, compressed": len(source) - 8,
    }
    for what, size in rows.items():
        print(f"{size:>8,}  {what}")
    print(f"{sum(rows.values()):>8,}  together, until the board answers")
    written = sum(len(text.encode()) for text in modules.values())
    whole = sum(path.stat().st_size for path in agent.files.values())
    print()
    print(f"{written:>8,}  those {len(modules)} modules as they are written")
    print(f"{whole:>8,}  the whole agent, {len(agent.files)} files, sent once")
    return 0


if __name__ == "__main__":
    sys.exit(main())
