"""The command that starts the agent on a board: with the runtime's Python, and nothing that lies about in the home."""

import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import edgeproof_agent
from edgeproof.board.agent.start import agent_command, runtime_python
from edgeproof.board.link.conversation import Conversation
from edgeproof.board.link.deadline import Deadline
from edgeproof.board.link.local import LocalTransport
from edgeproof.board.store.agent_object import agent_object
from edgeproof.errors import AgentDiedError
from edgeproof_agent.store.objects import Kind, listing_digest

_NO_RUNTIME = 4


@pytest.fixture
def command(tmp_path: Path) -> str:
    """Starts the agent of this tree with the Python of the tests, which stands for a runtime's."""
    python = Path(runtime_python(str(tmp_path / "runtime")))
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    device = str(Path(edgeproof_agent.__file__).parents[1])
    store: Any = SimpleNamespace(
        lease_token=None, path=lambda kind, digest: {(Kind.AGENT, "a" * 64): device}[kind, digest]
    )
    return agent_command(store, "a" * 64, str(tmp_path / "runtime"), "ai-edge-litert")


def test_modules_that_lie_in_the_home_folder_do_not_get_in(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(home))
    for name in ("numpy", "cv2", "random", "platform", "edgeproof_agent", "sitecustomize"):
        (home / f"{name}.py").write_text(f"raise SystemExit('the wrong {name}')")
    with LocalTransport("local", home) as transport:
        channel = transport.open(command)
        conversation = Conversation(channel, "the agent on local")
        # Where the tests' Python has no runtime, the agent has at least come as far as to say so.
        try:
            assert conversation.hello().nested("runtime").text("name") == "ai-edge-litert"
        except AgentDiedError:
            assert channel.wait(Deadline(20, "the agent")).code == _NO_RUNTIME
        assert "the wrong" not in channel.error_output.tail()


def test_the_agent_is_named_by_its_files() -> None:
    agent = agent_object()
    assert agent.kind is Kind.AGENT
    assert agent.digest == listing_digest(list(agent.files))
    names = {file.name for file in agent.files}
    assert {"edgeproof_agent/__init__.py", "edgeproof_agent/__main__.py"} <= names
    assert all(name.startswith("edgeproof_agent/") and name.endswith(".py") for name in names)
