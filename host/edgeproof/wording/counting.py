"""Words for numbers of things."""


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """`1 picture`, `2 pictures`; `plural` where an s is not enough."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"
