"""Sends the bytes of an object that a board's store lacks."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgeproof.board.link.conversation import Conversation, Request
from edgeproof.board.store.local_objects import LocalObject
from edgeproof.board.store.pacing import LinkPace
from edgeproof.errors import AgentRefusedError
from edgeproof.wording.progress import Progress, ProgressListener, ProgressUnit
from edgeproof_agent.store.chunks import MAX_RANGES
from edgeproof_agent.store.objects import StoredFile
from edgeproof_agent.wire.fields import FieldError, Fields

_WINDOW = 256
_ANSWER_SECONDS = 120.0
"""Behind the bytes that a request brings, the board may have to copy many of its own."""


@dataclass(frozen=True)
class MissingPart:
    """Bytes `start` to `end` of a file, which have to travel."""

    file: StoredFile
    start: int
    end: int


def missing_parts(item: LocalObject, offsets: Fields, known: Fields) -> list[MissingPart]:
    """What the board did not say it has: `offsets` of each file are there, `known` ranges it adds by itself.

    Raises `FieldError`.
    """
    parts = []
    for file in item.files:
        position = offsets.integer(file.name, high=file.size_bytes)
        for start, end in _ranges(known, file):
            if position < start:
                parts.append(MissingPart(file, position, start))
            position = max(position, end)
        if position < file.size_bytes:
            parts.append(MissingPart(file, position, file.size_bytes))
    return parts


def send_parts(
    conversation: Conversation, item: LocalObject, parts: Sequence[MissingPart], what: str, progress: ProgressListener
) -> int:
    """Sends them in order; returns how many bytes travelled. Raises `AgentRefusedError` for the first refusal."""
    pace = LinkPace()
    under_way: deque[tuple[int, int]] = deque()
    total_bytes = sum(part.end - part.start for part in parts)
    done_bytes = payload_bytes = 0
    refusal: AgentRefusedError | None = None

    def requests() -> Iterator[Request]:
        for part in parts:
            for request, size_bytes in _puts(item, part, pace):
                if refusal is not None:
                    return  # what is under way is still answered, so that the conversation can go on
                under_way.append((size_bytes, len(request.payload)))
                yield request

    for outcome in conversation.pipeline(requests(), _WINDOW, _ANSWER_SECONDS, pace.window_bytes):
        size_bytes, wire_bytes = under_way.popleft()
        if isinstance(outcome, AgentRefusedError):
            refusal = refusal or outcome
            continue
        pace.taken(wire_bytes)
        done_bytes += size_bytes
        payload_bytes += wire_bytes
        progress(Progress(f"sending {what}", done=done_bytes, total=total_bytes, unit=ProgressUnit.BYTES))
    if refusal is not None:
        raise refusal
    return payload_bytes


def _puts(item: LocalObject, part: MissingPart, pace: LinkPace) -> Iterator[tuple[Request, int]]:
    """`put` requests, each with the number of the file's bytes in it."""
    place: Mapping[str, object] = {"kind": item.kind.value, "digest": item.digest, "name": part.file.name}
    offset = part.start
    with item.files[part.file].open("rb") as source:
        source.seek(offset)
        while data := source.read(min(pace.frame_bytes, part.end - offset)):
            packed = pace.pack(data)
            if packed is None:
                yield Request("put", {**place, "offset": offset}, data), len(data)
            else:
                yield Request("put", {**place, "offset": offset, "packed_from": len(data)}, packed), len(data)
            offset += len(data)


def _ranges(known: Fields, file: StoredFile) -> Iterator[tuple[int, int]]:
    if file.name not in known:
        return
    last = 0
    for item in known.items(file.name, MAX_RANGES):
        if not (isinstance(item, list) and len(item) == 2 and all(type(number) is int for number in item)):
            raise FieldError(f"{known.path(file.name)} must hold pairs of numbers")
        start, end = item
        if not last <= start < end <= file.size_bytes:
            raise FieldError(f"{known.path(file.name)} must rise and end within the file")
        last = end
        yield start, end
