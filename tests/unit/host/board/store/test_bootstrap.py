"""The store service starts on a board that has nothing but Python, and an old Python is told as what it is."""

import importlib.util
import marshal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeproof.board.link.conversation import Conversation
from edgeproof.board.link.deadline import Deadline
from edgeproof.board.link.first_contact import GreetedChannel, Ready
from edgeproof.board.link.local import LocalTransport
from edgeproof.board.link.transport import Channel
from edgeproof.board.store.agent_object import agent_object
from edgeproof.board.store.bootstrap import LACKING, STORED, shell_path, store_service_command, store_service_source
from edgeproof.board.store.client import open_store
from edgeproof.errors import BoardPythonError, LoginShellError
from edgeproof_agent import __version__
from edgeproof_agent.store.objects import Kind
from tests.contract.counting import CountingTransport
from tests.support.interpreters import find_python


def python_or_skip(version: str) -> str:
    python = find_python(version)
    if python is None:
        pytest.skip(f"Python {version} is not installed: the store service was not started on it")
    return str(python)


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13"])
def test_the_store_service_starts_on_every_python_of_a_board(tmp_path: Path, version: str) -> None:
    python = python_or_skip(version)
    with LocalTransport("local", tmp_path) as transport, open_store(transport, python) as store:
        assert ".".join(store.facts.python_version.split(".")[:2]) == version
        assert store.root == str(tmp_path / ".edgeproof")
        assert store.inventory.bundles == frozenset()
        assert store.path(Kind.BUNDLE, "a") == f"{store.root}/bundles/a"
        assert store.refresh() == store.inventory
    assert list(tmp_path.iterdir()) == [], "nothing is left behind by asking"


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.7", "3.8"])
def test_an_old_python_is_told_with_its_version(tmp_path: Path, version: str) -> None:
    python = python_or_skip(version)
    with LocalTransport("local", tmp_path) as transport, pytest.raises(BoardPythonError) as caught:
        open_store(transport, python)
    message = str(caught.value)
    assert message.startswith("the store service on local cannot start: the board needs Python 3.9 or newer\n")
    assert f"Its last words:\nedgeproof: this is Python {version}." in message
    assert 'name it in edgeproof.toml: python = "/usr/bin/python3.11"' in message


def test_a_board_without_python_is_told(tmp_path: Path) -> None:
    with (
        LocalTransport("local", tmp_path) as transport,
        pytest.raises(BoardPythonError, match="needs Python 3.9 or newer"),
    ):
        open_store(transport, "python-that-is-not-there")


def test_modules_that_lie_in_the_home_folder_do_not_get_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for name in ("json", "os", "platform", "random", "shutil", "struct"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('the wrong {name}')")
    (tmp_path / "edgeproof_agent").mkdir()
    (tmp_path / "edgeproof_agent/__init__.py").write_text("raise SystemExit('the wrong agent')")
    with LocalTransport("local", tmp_path) as transport, open_store(transport, sys.executable) as store:
        assert store.root == str(tmp_path / ".edgeproof")


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """The agent's package as a board has stored it."""
    with LocalTransport("local", tmp_path) as transport, open_store(transport, sys.executable) as store:
        store.send(agent_object(), "the agent")
        return Path(store.path(Kind.AGENT, agent_object().digest)) / "edgeproof_agent"


def agent_that_the_service_tells(home: Path) -> tuple[bytes, str]:
    with LocalTransport("local", home) as transport:
        channel = transport.open(store_service_command(sys.executable))
        answer = channel.receive(1, Deadline(20, "the service"))
        if answer == LACKING:
            channel.send(store_service_source(), Deadline(20, "the service"))
        conversation = Conversation(channel, "the service")
        told = conversation.hello().text("agent")
        conversation.close()
        return answer, told


def compiled(package: Path) -> Path:
    return Path(importlib.util.cache_from_source(str(package / "__init__.py")))


def test_the_service_takes_what_the_stored_agent_has_compiled(tmp_path: Path, stored: Path) -> None:
    """Marked code of the same source's time and size shows where it came from."""
    cache = compiled(stored)
    marked = (stored / "__init__.py").read_text("utf-8").replace(__version__, "9.9.9")
    code = compile(marked, "marked", "exec")
    header = cache.read_bytes()[:16]
    cache.write_bytes(header + marshal.dumps(code))
    assert agent_that_the_service_tells(tmp_path) == (STORED, "9.9.9")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda package: compiled(package).write_bytes(b"\0" * 400), id="compiled file of zeros"),
        pytest.param(lambda package: compiled(package).write_bytes(compiled(package).read_bytes()[:60]), id="cut"),
        pytest.param(lambda package: (package / "store/operations.py").write_bytes(b""), id="empty source"),
        pytest.param(lambda package: (package / "wire/link.py").write_text("raise SystemExit('x')"), id="other source"),
        pytest.param(lambda package: (package / "store/objects.py").unlink(), id="missing source"),
        pytest.param(lambda package: package.chmod(0), id="unreadable"),
    ],
)
def test_a_damaged_agent_does_not_keep_the_service_from_starting(
    tmp_path: Path, stored: Path, damage: Callable[[Path], object]
) -> None:
    damage(stored)
    try:
        assert agent_that_the_service_tells(tmp_path)[1] == __version__
    finally:
        stored.chmod(0o755)


def test_nothing_is_sent_to_a_board_that_has_the_agent(tmp_path: Path, stored: Path) -> None:
    assert agent_that_the_service_tells(tmp_path) == (STORED, __version__)
    (stored / "serve/__init__.py").write_text("raise SystemExit('not a part of the service')")
    assert agent_that_the_service_tells(tmp_path) == (STORED, __version__)


@pytest.mark.parametrize("name", ["wire/link.py", "store/services/__init__.py", "__init__.py", "machine/added.py"])
def test_the_source_is_sent_where_anything_of_it_has_changed(tmp_path: Path, stored: Path, name: str) -> None:
    with (stored / name).open("a") as file:
        file.write("# changed\n")
    assert agent_that_the_service_tells(tmp_path) == (LACKING, __version__)


def test_who_opens_the_store_sends_the_source_where_it_lacks_alone(tmp_path: Path, stored: Path) -> None:
    with LocalTransport("local", tmp_path) as inner:
        transport = CountingTransport(inner)
        with open_store(transport, sys.executable) as store:
            assert store.root == str(tmp_path / ".edgeproof")
        assert transport.sent_bytes < 1000
        (stored / "wire/link.py").unlink()
        with open_store(transport, sys.executable):
            pass
        assert transport.sent_bytes > 20_000


def test_a_board_that_has_nothing_is_sent_the_source(tmp_path: Path) -> None:
    assert agent_that_the_service_tells(tmp_path) == (LACKING, __version__)


def test_a_service_whose_source_is_cut_ends_without_a_word(tmp_path: Path) -> None:
    with LocalTransport("local", tmp_path) as transport:
        channel = transport.open(store_service_command(sys.executable))
        assert channel.receive(1, Deadline(20, "the service")) == LACKING
        channel.send(b"00001000short", Deadline(20, "the service"))
        channel.close()
        assert channel.wait(Deadline(20, "the service")).code == 3
        assert channel.error_output.tail() == ""


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("python3", "python3"),
        ("~/py", "~/py"),
        ("~/my py", "~'/my py'"),
        ("~pi/venv/bin/python", "~pi/venv/bin/python"),
        ("~$(x)/py", "'~$(x)/py'"),
        ("a~/py; b", "'a~/py; b'"),
    ],
)
def test_a_home_folder_in_the_path_of_python_is_the_shell_s_to_find(path: str, word: str) -> None:
    assert shell_path(path) == word


class SlowLogin(LocalTransport):
    """A board whose login files take a while."""

    def open(self, command: str) -> Channel:
        ready = Ready()
        channel = super().open(f"sleep 0.5; {ready.command(command)}")
        return GreetedChannel(channel, ready, "local", channel.close)


def test_the_host_goes_on_while_a_login_takes_its_time(tmp_path: Path) -> None:
    done: list[float] = []
    start = time.monotonic()
    with (
        SlowLogin("local", tmp_path) as transport,
        open_store(transport, sys.executable, lambda: done.append(time.monotonic() - start)) as store,
    ):
        assert store.root == str(tmp_path / ".edgeproof")
    assert done[0] < 0.45, "it did not wait for the login"


def test_a_login_that_fails_meanwhile_is_told(tmp_path: Path) -> None:
    class Closed(LocalTransport):
        def open(self, command: str) -> Channel:
            channel = super().open("echo nothing for you; exit 5")
            return GreetedChannel(channel, Ready(), "local", channel.close)

    with Closed("local", tmp_path) as transport, pytest.raises(LoginShellError, match="nothing for you"):
        open_store(transport, sys.executable, lambda: None)


def test_what_fails_meanwhile_ends_the_start(tmp_path: Path) -> None:
    def fail() -> None:
        raise ValueError("not a bundle")

    with SlowLogin("local", tmp_path) as transport, pytest.raises(ValueError, match="not a bundle"):
        open_store(transport, sys.executable, fail)
