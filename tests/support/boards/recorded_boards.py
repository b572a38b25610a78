"""The recordings of boards, as what the host makes of them."""

import json
from pathlib import Path
from typing import Any

from edgeproof.board.doctor.examination import Examination, parse_examination
from edgeproof.board.doctor.finding import Finding
from edgeproof.board.doctor.processor import processor
from edgeproof.board.doctor.system import system
from edgeproof.board.facts import BoardFacts, parse_facts
from edgeproof_agent.wire.fields import Fields

FOLDER = Path(__file__).parent / "recordings"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
ASKED_NS = 1_763_820_000_000_000_000
"""When this machine asked; it had the answer 80 ms later, half of them spent on the board."""
ANSWERED_NS = ASKED_NS + 80_000_000


def recording(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def understood(recorded: dict[str, Any]) -> tuple[BoardFacts, Examination]:
    return (
        parse_facts(Fields(recorded["facts"])),
        parse_examination(Fields(recorded["examination"]), ASKED_NS, ANSWERED_NS),
    )


def findings(recorded: dict[str, Any]) -> dict[str, Finding]:
    """What a doctor finds in what the board is, by name."""
    facts, examination = understood(recorded)
    found = [*system(facts, examination, facts.info("desk").emulated), *processor(facts, examination)]
    assert len({finding.name for finding in found}) == len(found)
    return {finding.name: finding for finding in found}
