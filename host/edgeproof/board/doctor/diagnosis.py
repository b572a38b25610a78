"""A board's diagnosis: everything that is known to matter, each line with its remedy."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgeproof.board.doctor.examination import Examination, parse_examination
from edgeproof.board.doctor.finding import Finding, Level
from edgeproof.board.doctor.login import login_finding, no_login, sessions_finding, try_login
from edgeproof.board.doctor.processor import processor
from edgeproof.board.doctor.provisioned import provisioned
from edgeproof.board.doctor.store import store_findings
from edgeproof.board.doctor.system import system
from edgeproof.board.doctor.without_python import examine_by_shell
from edgeproof.board.link.conversation import Request
from edgeproof.board.link.transport import Transport
from edgeproof.board.ssh.transport import connect
from edgeproof.board.store.agent_object import agent_object
from edgeproof.board.store.client import BoardStore, open_store
from edgeproof.board.store.status import read_status
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import (
    AgentDiedError,
    BoardPythonError,
    DeadlineError,
    DeploymentError,
    LoginShellError,
    ProtocolError,
)
from edgeproof_agent.wire.fields import FieldError

SCHEMA = "edgeproof.doctor/1"


@dataclass(frozen=True)
class Diagnosis:
    board: str
    sections: Mapping[str, Sequence[Finding]]

    @property
    def findings(self) -> list[Finding]:
        return [finding for findings in self.sections.values() for finding in findings]

    @property
    def healthy(self) -> bool:
        """Whether nothing is bad; warnings are allowed."""
        return self.count(Level.BAD) == 0

    def count(self, level: Level) -> int:
        return sum(finding.level is level for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Schema edgeproof.doctor/1."""
        return {
            "schema": SCHEMA,
            "board": self.board,
            "healthy": self.healthy,
            "findings": [
                {
                    "section": section,
                    "name": finding.name,
                    "level": finding.level.value,
                    "value": finding.value,
                    "remedy": finding.remedy or None,
                    "data": dict(finding.data),
                }
                for section, findings in self.sections.items()
                for finding in findings
            ],
        }


def diagnose(profile: BoardProfile) -> Diagnosis:
    """Connects to a board and examines it; nothing is changed there. Raises `BoardError` when it cannot be reached."""
    with connect(profile) as transport:
        return diagnose_connected(profile, transport)


def diagnose_connected(profile: BoardProfile, transport: Transport) -> Diagnosis:
    """The same on a connection that is open."""
    try:
        found = login_finding(try_login(transport))
    except LoginShellError as error:
        return Diagnosis(profile.name, {"connection": [no_login(error)]})
    try:
        with open_store(transport, profile.python, folder=profile.store) as store:
            connection = [found, sessions_finding(transport)]
            return Diagnosis(profile.name, {"connection": connection, **_sections(profile.name, store)})
    except (BoardPythonError, AgentDiedError, ProtocolError, DeadlineError) as error:
        told = examine_by_shell(transport, profile.python, error)
        return Diagnosis(profile.name, {"connection": [found], "system": list(told)})


def _sections(board: str, store: BoardStore) -> dict[str, list[Finding]]:
    facts, examination = store.facts, _examine(board, store)
    return {
        "system": list(system(facts, examination, facts.info(board).emulated)),
        "store": list(store_findings(store.try_store())),
        "processor": list(processor(facts, examination)),
        "edgeproof": list(
            provisioned(
                board, facts, store.inventory, agent_object().digest, examination.incoming, _served_variants(store)
            )
        ),
    }


def _served_variants(store: BoardStore) -> dict[str, str]:
    """By the digests of the bundles that apps name; empty where the board does not tell them."""
    try:
        apps = read_status(store).apps.values()
    except (DeploymentError, ProtocolError):  # what ails it stands in the other lines
        return {}
    bundles = [bundle for app in apps for bundle in (app.current, app.previous) if bundle is not None]
    return {bundle.digest: bundle.variant for bundle in bundles}


def _examine(board: str, store: BoardStore) -> Examination:
    asked_ns = time.time_ns()
    answer = store.ask(Request("examine"), "be examined")
    answered_ns = time.time_ns()
    try:
        return parse_examination(answer, asked_ns, answered_ns)
    except FieldError as error:
        raise ProtocolError(f"the store service on {board} sent an examination that is none: {error}") from error
