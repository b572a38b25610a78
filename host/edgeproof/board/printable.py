"""Text from a board, made fit for a terminal: the board is a stranger, and escape sequences steer a terminal."""

MAX_CHARACTERS = 8000
MAX_LINE_CHARACTERS = 200


def printable(text: str, max_characters: int = MAX_CHARACTERS) -> str:
    """`text` without control characters (line breaks and tabs stay), cut to `max_characters`."""
    return "".join(letter for letter in text[:max_characters] if letter.isprintable() or letter in "\n\t")


def printable_line(text: str, max_characters: int = MAX_LINE_CHARACTERS) -> str:
    """The same on one line, for a table or a report."""
    return " ".join(printable(text, max_characters).split())
