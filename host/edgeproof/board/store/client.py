"""The host's end of a board's store: sends what is missing, verified there, and switches apps."""

import contextlib
import dataclasses
import getpass
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from edgeproof.board.facts import BoardFacts, parse_facts
from edgeproof.board.link.conversation import Client, Conversation, EventHandler, Reply, Request
from edgeproof.board.link.deadline import Deadline
from edgeproof.board.link.transport import Channel, Transport
from edgeproof.board.store.bootstrap import LACKING, STORED, store_service_command, store_service_source
from edgeproof.board.store.chunks import cut_files
from edgeproof.board.store.inventory import MAX_PATH, Inventory, parse_inventory
from edgeproof.board.store.local_objects import LocalObject, SentObject
from edgeproof.board.store.this_host import this_host
from edgeproof.board.store.trial import TRIAL_REMEDIES, StoreTrial, parse_trial
from edgeproof.board.store.upload import missing_parts, send_parts
from edgeproof.errors import AgentRefusedError, BoardBusyError, BoardError, DeploymentError
from edgeproof.wording.progress import Progress, ProgressListener, silent
from edgeproof_agent.store.chunks import pack_chunks
from edgeproof_agent.store.objects import Kind
from edgeproof_agent.wire.fields import FieldError, Fields

PING_SECONDS = 15.0
_START_SECONDS = 60.0
_FINISH_SECONDS = 300.0
_ASK_AGAIN_SECONDS = 2.0
_REMEDIES = {
    "disk": "\nFree some space on the board (edgeproof prune drops what nothing points to) and try again.",
    "busy": "\nWait until it is done, or end it, and try again.",
    "checksum": "\nWhat arrived damaged has been dropped; try again.",
    "damaged": "\nPush that bundle again, which replaces it.",
    "missing": "\nIt has been pruned in the meantime; push it again.",
    "noservice": "\nShow what there is: edgeproof service status BOARD. Make one: edgeproof service install BOARD "
    "--app NAME --source camera:0",
    "served": "\nPull what it has found and end it first: edgeproof service pull BOARD --app NAME --out FOLDER, then "
    "edgeproof service remove BOARD --app NAME",
    "linger": "\nRun this once on the board, as root: loginctl enable-linger USER. Or let the system keep the service: "
    "edgeproof service install BOARD --system ...",
    "sudo": "\nAllow sudo without a password for that login, or leave --system out: the login user's own systemd "
    "keeps it then.",
    "signature": "\nSign it with a key that the board trusts: edgeproof push --sign KEY",
    **{kind: f"\n{remedy}" for kind, remedy in TRIAL_REMEDIES.items()},
}


class BoardStore(Client):
    """The store of one board. Opened by `open_store`; close it, or use it as a context."""

    def __init__(self, conversation: Conversation, board: str) -> None:
        super().__init__(conversation)
        self._board = board
        self._talking = threading.Lock()
        self.lease_token: str | None = None
        """While the board is leased: agents that are started under it may measure."""
        hello = conversation.hello(_START_SECONDS)
        with conversation.reading():
            self.root = hello.text("root", max_length=MAX_PATH)
            self.facts: BoardFacts = parse_facts(hello.nested("facts"))
            self.inventory = parse_inventory(hello)

    def refresh(self) -> Inventory:
        """Asks the board anew what it holds."""
        reply = self.ask(Request("inventory"), "say what it holds")
        with self._conversation.reading():
            self.inventory = parse_inventory(reply)
        return self.inventory

    def send(
        self,
        item: LocalObject,
        what: str,
        progress: ProgressListener = silent,
        extra_bytes: int = 0,
        signature: str | None = None,
        anew: bool = False,
    ) -> SentObject:
        """Sends what the board lacks of an object, called `what`, and verifies it there. Raises `DeploymentError`.

        `extra_bytes` is the room that it needs beside its files. A runtime stays in `incoming` until it is built and
        published. An agent or bundle that the inventory has is not asked for again, unless it is to be sent `anew`.
        """
        if not anew and item.digest in {Kind.AGENT: self.inventory.agents, Kind.BUNDLE: self.inventory.bundles}.get(
            item.kind, ()
        ):
            return SentObject(item.digest, 0, item.total_bytes)
        files = [file._asdict() for file in item.files]
        named = {"kind": item.kind.value, "digest": item.digest}
        announced: dict[str, object] = {**named, "files": files, "extra_bytes": extra_bytes, "anew": anew}
        payload = b""
        if item.kind is Kind.BUNDLE:  # the one kind that comes in versions with much in common
            announced["chunks"], payload = pack_chunks(
                cut_files({file.name: path for file, path in item.files.items()})
            )
        # The board may copy most of it from other bundles before it answers.
        begin = self.ask(Request("begin", announced, payload), "store it", _FINISH_SECONDS)
        with self._conversation.reading():
            if begin.flag("present"):
                return SentObject(item.digest, 0, item.total_bytes)
            known = begin.nested("known") if "known" in begin else Fields({})
            parts = missing_parts(item, begin.nested("offsets"), known)
        with self._talking:
            try:
                payload_bytes = send_parts(self._conversation, item, parts, what, progress)
            except AgentRefusedError as error:
                raise self._refused("store it", error) from error
        progress(Progress(f"verifying {what} on the board"))
        self.ask(Request("finish", _with_signature(named, signature)), "verify it", _FINISH_SECONDS)
        self._note(item)
        return SentObject(item.digest, payload_bytes + len(payload), item.total_bytes)

    def build_runtime(self, digest: str, name: str, version: str, seconds: float) -> str:
        """Unpacks a sent runtime's wheels; returns its folder on the board. It counts only once it is published."""
        arguments = {"digest": digest, "name": name, "version": version, "timeout_seconds": seconds}
        # Each of its two steps may take `seconds`; a sign of life comes about once a second.
        deadline = Deadline(2 * seconds + _START_SECONDS, f"{self._board} to build the runtime")

        def on_event(*_: object) -> None:
            deadline.remaining_seconds()

        reply = self.ask(Request("build_runtime", arguments), "build the runtime", on_event=on_event)
        with self._conversation.reading():
            return reply.text("path", max_length=MAX_PATH)

    def publish_runtime(self, digest: str) -> None:
        """Gives a runtime that has been proven its name."""
        self.ask(Request("publish", {"digest": digest}), "publish the runtime", _FINISH_SECONDS)

    def switch(self, app: str, digest: str, signature: str | None = None) -> str | None:
        """Points an app at a bundle that is on the board, which hashes it anew; returns the digest of before."""
        request = Request("switch", _with_signature({"app": app, "digest": digest}, signature))
        reply = self.ask(request, f"switch {app}", _FINISH_SECONDS)
        with self._conversation.reading():
            return reply.text("before", max_length=64) if "before" in reply else None

    def verify(self, digest: str) -> bool:
        """Has the board hash a bundle anew that it stores; tells whether nothing of it has changed."""
        reply = self.ask(Request("verify", {"digest": digest}), "hash the bundle", _FINISH_SECONDS)
        with self._conversation.reading():
            return reply.flag("whole")

    def try_store(self) -> StoreTrial:
        """Has the board try what a store needs of its file system, its Python and the login's limits."""
        reply = self.ask(Request("try"), "try its file system")
        with self._conversation.reading():
            return parse_trial(reply)

    def status(self) -> Fields:
        """What each app serves since when, and what the store takes: see `edgeproof.board.store.status`."""
        return self.ask(Request("status"), "say what it holds", _FINISH_SECONDS)

    def cameras(self) -> Fields:
        """What `edgeproof.board.cameras` reads."""
        return self.ask(Request("cameras"), "list its cameras", _FINISH_SECONDS)

    def drop_unwanted(
        self,
        wanted: Mapping[Kind, Collection[str]],
        dry_run: bool,
        let_go: Sequence[str] = (),
        all_hosts: bool = False,
    ) -> Fields:
        """Drops what nothing points to: see `edgeproof.board.prune`."""
        listed = {kind.value: sorted(digests) for kind, digests in wanted.items()}
        asked = {"wanted": listed, "dry_run": dry_run, "host": this_host(), "all_hosts": all_hosts, "let_go": [*let_go]}
        return self.ask(Request("prune", asked), "prune", _FINISH_SECONDS)

    def remove_app(self, app: str) -> None:
        """Takes an app away. Its bundles stay on the board until it is pruned."""
        self.ask(Request("remove_app", {"app": app}), f"remove {app}")

    def require_signatures(self, keys: Sequence[str]) -> None:
        """From now on the board refuses bundles that none of these keys (`ssh-ed25519 AAAA...`) has signed."""
        self.ask(Request("require_signatures", {"keys": list(keys)}), "ask for signatures")
        self.inventory = dataclasses.replace(self.inventory, signers=frozenset(keys))

    @contextlib.contextmanager
    def leased(
        self, purpose: str, seconds: float, wait_seconds: float = 0.0, progress: ProgressListener = silent
    ) -> Iterator[None]:
        """Has the board alone for measuring, for the block; other hosts are told who has it, for what and how long yet.

        `seconds` is how long that is expected to take. While somebody else has it, it is asked for again until
        `wait_seconds` are over; then `BoardBusyError` is raised. A host that dies loses it with its connection, one
        that falls silent within a minute.
        """
        asked = {"owner": f"{getpass.getuser()}@{socket.gethostname()}", "purpose": purpose, "seconds": seconds}
        end = time.monotonic() + wait_seconds
        while True:
            try:
                with self._talking:
                    told = self._conversation.request(Request("lease", asked)).fields
                break
            except AgentRefusedError as error:
                if error.kind != "busy":
                    raise self._refused("be leased", error) from error
                left, why = end - time.monotonic(), str(error).partition(": ")[2]
                if left <= 0:
                    raise BoardBusyError(
                        f"{self._board} is taken: {why}, or have it waited for: --wait SECONDS"
                    ) from error
                progress(Progress(f"waiting for {self._board}: {why}"))
            time.sleep(min(left, _ASK_AGAIN_SECONDS))
        with self._conversation.reading():
            token = told.text("token", max_length=64)
            if not token.isalnum():
                raise FieldError("a token is made of letters and digits")
        try:
            with self.kept_alive():
                self.lease_token = token
                yield
        finally:
            self.lease_token = None
            with contextlib.suppress(BoardError):  # with the connection the lease has gone, too
                self.ask(Request("release"), "give the board back")

    def path(self, kind: Kind, digest: str) -> str:
        """Where an object is on the board."""
        return f"{self.root}/{kind.value}/{digest}"

    @contextlib.contextmanager
    def kept_alive(self) -> Iterator[None]:
        """Gives signs of life while the host works on something else.

        A board that is locked for a change takes a host that says nothing for a minute as gone.
        """
        done = threading.Event()

        def ping() -> None:
            with contextlib.suppress(BoardError):  # whoever talks to the board next is told
                while not done.wait(PING_SECONDS):
                    if self._talking.acquire(blocking=False):
                        try:
                            self._conversation.request(Request("ping"))
                        finally:
                            self._talking.release()

        thread = threading.Thread(target=ping, name="keep-alive", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def ask(
        self, request: Request, what: str, seconds: float | None = None, on_event: EventHandler | None = None
    ) -> Fields:
        """Sends one request. A refusal is a `DeploymentError` that the board could not do `what`."""
        return self.ask_for(request, what, seconds, on_event).fields

    def ask_for(
        self, request: Request, what: str, seconds: float | None = None, on_event: EventHandler | None = None
    ) -> Reply:
        """The same, with the payload of the answer."""
        try:
            with self._talking:
                return self._conversation.request(request, seconds, on_event)
        except AgentRefusedError as error:
            raise self._refused(what, error) from error

    def _note(self, item: LocalObject) -> None:
        if item.kind is Kind.AGENT:
            self.inventory = dataclasses.replace(self.inventory, agents=self.inventory.agents | {item.digest})
        elif item.kind is Kind.BUNDLE:
            self.inventory = dataclasses.replace(self.inventory, bundles=self.inventory.bundles | {item.digest})

    def _refused(self, what: str, error: AgentRefusedError) -> DeploymentError:
        remedy = _REMEDIES.get(error.kind, "")
        return DeploymentError(f"{self._board} could not {what}: {error}{remedy}")


def open_store(
    transport: Transport, python: str, meanwhile: Callable[[], None] | None = None, folder: str = "~"
) -> BoardStore:
    """Starts the store service by `python` (a command or path on the board); nothing has to be installed there.

    `folder` is where the store is or will be, on the board. `meanwhile` is done on the host while the login shell and
    the service start, which takes some 40 ms on a fast machine and a few hundred on a slow one.
    """
    who = f"the store service on {transport.name}"
    channel = transport.open(store_service_command(python, folder))
    try:
        other = _answer_first_word(channel, Deadline(_START_SECONDS, f"{who} to start"), meanwhile)
        return BoardStore(Conversation(channel, who, received=other), transport.name)
    except BaseException:
        channel.close()
        raise


def _answer_first_word(channel: Channel, deadline: Deadline, meanwhile: Callable[[], None] | None) -> bytes:
    """Sends the source as soon as the far side says that it lacks it, whatever this side is doing.

    Returns what came in the place of that word: something else runs there, or a Python that is too old has ended.
    """
    words: list[bytes] = []
    failures: list[BaseException] = []

    def answer() -> None:
        try:
            with contextlib.suppress(OSError):  # the conversation meets with the same, and tells it in its own words
                words.append(channel.receive(1, deadline))
                if words[0] == LACKING:
                    channel.send(store_service_source(), deadline)
        except BaseException as error:  # noqa: BLE001  # raised again in the thread that waits
            failures.append(error)

    if meanwhile is None:
        answer()
    else:
        answering = threading.Thread(target=answer, name="source", daemon=True)
        answering.start()
        meanwhile()
        answering.join()
    if failures:
        raise failures[0]
    return b"".join(word for word in words if word not in (STORED, LACKING))


def _with_signature(arguments: Mapping[str, object], signature: str | None) -> dict[str, object]:
    return {**arguments} if signature is None else {**arguments, "signature": signature}
