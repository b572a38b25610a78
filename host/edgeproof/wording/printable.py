"""Text from strangers, made fit for a terminal or a page: nothing in it steers a terminal or turns the reading."""

MAX_CHARACTERS = 8000
MAX_LINE_CHARACTERS = 200
REPLACEMENT = "\ufffd"


def printable(text: str, max_characters: int = MAX_CHARACTERS) -> str:
    """`text` without control characters (line breaks and tabs stay), cut to `max_characters`."""
    return "".join(letter for letter in text[:max_characters] if letter.isprintable() or letter in "\n\t")


def printable_line(text: str, max_characters: int = MAX_LINE_CHARACTERS) -> str:
    """The same on one line, for a table or a report."""
    return " ".join(printable(text, max_characters).split())


def shown(text: str, kept: str = "\n\t") -> str:
    """`text` with a mark in place of each letter that is no letter to see: of the same length, so that tables hold."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in kept else REPLACEMENT for letter in text)


def shown_line(text: str) -> str:
    """The same for a text that is one line, like a name."""
    return shown(text, kept="")


def hanging(text: str) -> str:
    """The same for a text of several lines: all but the first are indented, so that none passes for a line of ours."""
    return shown(text).replace("\n", "\n  ")
