"""The agent up to a loaded bundle: all that proves a runtime or a push. NumPy is not needed for that."""

from dataclasses import dataclass
from typing import Any

from edgeproof.board.link.conversation import Client, Conversation, Reply, Request
from edgeproof.errors import AgentDiedError, DeadlineError
from edgeproof.record.board import RuntimeInfo
from edgeproof.record.measured.load import CpuUse, LoadResult
from edgeproof.wording.printable import printable
from edgeproof_agent.bundle.manifest import Manifest, ManifestError
from edgeproof_agent.bundle.manifest_reader import parse_manifest
from edgeproof_agent.serve.cpu_choice import CORES
from edgeproof_agent.serve.watchdog import INFERENCE_SECONDS, LOAD_SECONDS
from edgeproof_agent.wire.answering import MAX_MESSAGE_CHARACTERS
from edgeproof_agent.wire.fields import FieldError, Fields

START_SECONDS = 120.0
SILENCE_MARGIN_SECONDS = 30.0
"""How long the agent may be silent beyond its own deadlines: it ends itself GRACE_SECONDS after one at the latest."""
_STAGES = ("loading", "first inference")
_MAX_NS = 2**62
_MAX_CPUS = 4096
_MAX_LABELS = 200_001


@dataclass(frozen=True)
class LoadedBundle:
    """A bundle as the board has loaded it."""

    manifest: Manifest
    labels: tuple[str, ...]
    """The lines of its labels.txt."""
    load: LoadResult


class LoadingAgent(Client):
    """Not for more than one thread. Close it, or use it as a context. See `Conversation` for what every call raises."""

    def __init__(self, conversation: Conversation, board: str) -> None:
        self.board = board
        super().__init__(conversation)
        self._manifest: Manifest | None = None
        self._silence_seconds = INFERENCE_SECONDS + SILENCE_MARGIN_SECONDS
        hello = conversation.hello(START_SECONDS)
        with conversation.reading():
            runtime = hello.nested("runtime")
            name, version = (runtime.text(field, max_length=64) for field in ("name", "version"))
            self.runtime = RuntimeInfo(printable(name), printable(version))
            self.python = printable(hello.text("python", max_length=64))
            self.pid = hello.integer("pid", high=2**31)
            self.memory_limit_mib = _memory_limit_mib(hello)
            """What the agent may take of the board's memory; None where the board cannot tell what is free."""

    def prove(self, model: bytes) -> None:
        """Has the agent build and run an interpreter for a model that adds one to its input."""
        self._conversation.request(Request("prove", payload=model), START_SECONDS)

    def load(
        self,
        bundle_path: str,
        threads: int | None = None,
        load_seconds: float = LOAD_SECONDS,
        inference_seconds: float = INFERENCE_SECONDS,
        check_health: bool = True,
        cores: str | None = None,
        delegate: str | None = None,
    ) -> LoadedBundle:
        """Loads a bundle by its path on the board and, with `check_health`, runs it on pictures of the agent's own.

        `threads` None leaves their number to the board, `cores` (all, big) its CPUs; `delegate` is the library of an
        external delegate there. The agent ends itself when loading takes longer than
        `load_seconds`, or an inference then and later longer than `inference_seconds`: each 0.1 to 3600.
        """
        arguments: dict[str, Any] = {
            "bundle": bundle_path,
            "load_seconds": load_seconds,
            "inference_seconds": inference_seconds,
            "check_health": check_health,
        }
        wishes = {"threads": threads, "cores": cores, "delegate": delegate}
        arguments |= {name: wish for name, wish in wishes.items() if wish is not None}
        stage = _STAGES[0]

        def on_event(name: str, event: Reply) -> None:
            nonlocal stage
            if name != "stage":
                raise FieldError("it told something else than a stage")
            stage = event.fields.choice("stage", _STAGES[_STAGES.index(stage) :])

        self._silence_seconds = inference_seconds + SILENCE_MARGIN_SECONDS
        longest = load_seconds + len(_STAGES) * inference_seconds + SILENCE_MARGIN_SECONDS
        try:
            fields = self._conversation.request(Request("load", arguments), longest, on_event).fields
        except (AgentDiedError, DeadlineError) as error:
            raise type(error)(f"{error}\nThis was the stage: {stage} of the model.") from error
        with self._conversation.reading():
            loaded = LoadedBundle(
                manifest=_manifest(fields),
                labels=tuple(_label(item) for item in fields.items("labels", _MAX_LABELS)),
                load=LoadResult(
                    load_ns=fields.integer("load_ns", high=_MAX_NS),
                    first_invoke_ns=fields.integer("first_invoke_ns", high=_MAX_NS) if check_health else None,
                    threads=fields.integer("threads", low=1, high=4096),
                    threads_reason=printable(fields.text("threads_reason", max_length=MAX_MESSAGE_CHARACTERS))
                    if "threads_reason" in fields
                    else None,
                    cpus=_cpu_use(fields.nested("cpus")),
                    delegate=delegate,
                ),
            )
        self._manifest = loaded.manifest
        return loaded


def _cpu_use(fields: Fields) -> CpuUse:
    def cpus(name: str, low: int = 1) -> int:
        return fields.integer(name, low=low, high=_MAX_CPUS)

    return CpuUse(
        cpus("total"),
        cpus("allowed"),
        cpus("usable"),
        fields.number("quota", low=0, high=_MAX_CPUS) if "quota" in fields else None,
        cpus("big", low=0),
        fields.choice("cores", CORES),
    )


def _memory_limit_mib(fields: Fields) -> float | None:
    limits = fields.nested("limits") if "limits" in fields else Fields({})
    return limits.number("memory_mib", low=0) if "memory_mib" in limits else None


def _manifest(fields: Fields) -> Manifest:
    try:
        return parse_manifest(fields.mapping("manifest"))
    except ManifestError as error:
        raise FieldError(str(error)) from error


def _label(item: object) -> str:
    if not isinstance(item, str):
        raise FieldError("labels must be strings")
    return printable(item)
