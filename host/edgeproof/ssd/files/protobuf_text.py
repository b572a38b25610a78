"""Protocol buffers' text format, read without a schema: `pipeline.config` and label maps are written in it.

protobuf's own reader needs the schema of every message, and passes over what it does not know either everywhere or
nowhere. Here the reader of a message decides what it must know.
Source of the grammar: protobuf.dev/reference/protobuf/textformat-spec.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from edgeproof.errors import UsageError

_MAX_DEPTH = 64
_TOKEN = re.compile(
    r"""(?P<skip>[\s,;]+|\#[^\n]*)
      |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      |(?P<word>-?[\w.+]+(?:(?<=[eE])-\d+)?)
      |(?P<mark>[:{}<>\[\]])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_ENDS = {"{": "}", "<": ">"}


@dataclass(frozen=True)
class Scalar:
    """A number, a name or a string, as it is written."""

    text: str
    line: int
    quoted: bool = False


@dataclass(frozen=True)
class TextMessage:
    line: int
    fields: dict[str, list["Scalar | TextMessage"]] = field(default_factory=dict)
    """Values by field name, in order; a field that is not repeated has one."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int


def parse_protobuf_text(text: str, path: str) -> TextMessage:
    """The message that `text`, read from `path`, holds. Raises UsageError naming the line that breaks it."""
    return _Parser(_tokens(text, path), path).message("", 1, 0)


class _Parser:
    def __init__(self, tokens: Iterator[_Token], path: str) -> None:
        self._tokens, self._path = tokens, path
        self._next = next(tokens)

    def message(self, end: str, line: int, depth: int) -> TextMessage:
        """Fields up to the mark `end`, which is taken, or the end of the file."""
        if depth > _MAX_DEPTH:
            raise UsageError(f"{self._path}, line {line}: messages are nested over {_MAX_DEPTH} deep.")
        message = TextMessage(line)
        while self._next.text != end or self._next.kind == "text":
            if self._next.kind != "word":
                raise self._unexpected("the name of a field" + (f" or '{end}'" if end else ""))
            name = self._take().text
            message.fields.setdefault(name, []).extend(self._values(name, depth))
        if end:
            self._take()
        return message

    def _values(self, name: str, depth: int) -> Iterator[Scalar | TextMessage]:
        colon = self._skip(":")
        if not self._skip("["):
            yield self._value(name, colon, depth)
            return
        while not self._skip("]"):
            yield self._value(name, colon, depth)

    def _value(self, name: str, colon: bool, depth: int) -> Scalar | TextMessage:
        token = self._next
        if token.kind == "mark" and token.text in _ENDS:
            self._take()
            return self.message(_ENDS[token.text], token.line, depth + 1)
        if not colon or token.kind not in ("word", "text"):
            raise self._unexpected(f"{'a value' if colon else 'a colon or a brace'} after '{name}'")
        self._take()
        if token.kind == "word":
            return Scalar(token.text, token.line)
        pieces = [token.text]
        while self._next.kind == "text":
            pieces.append(self._take().text)
        return Scalar("".join(map(_unquoted, pieces)), token.line, quoted=True)

    def _take(self) -> _Token:
        taken, self._next = self._next, next(self._tokens)
        return taken

    def _skip(self, mark: str) -> bool:
        if self._next.kind != "mark" or self._next.text != mark:
            return False
        self._take()
        return True

    def _unexpected(self, expected: str) -> UsageError:
        found = f"'{self._next.text}'" if self._next.text else "the end of the file"
        return UsageError(f"{self._path}, line {self._next.line}: {expected} is expected, {found} is there.")


def _tokens(text: str, path: str) -> Iterator[_Token]:
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise UsageError(f"{path}, line {line}: {text[position]!r} does not belong into protobuf's text format.")
        kind = str(match.lastgroup)
        if kind != "skip":
            yield _Token(kind, match[0], line)
        line += match[0].count("\n")
        position = match.end()
    # Twice, because the parser looks one ahead.
    yield from (_Token("end", "", line),) * 2


def _unquoted(literal: str) -> str:
    return _ESCAPE.sub(_escaped, literal[1:-1])


def _escaped(match: re.Match[str]) -> str:
    escape = match[1]
    if escape[0] == "x" and len(escape) > 1:
        return chr(int(escape[1:], 16))
    return chr(int(escape, 8)) if escape.isdigit() else _ESCAPED.get(escape, escape)
