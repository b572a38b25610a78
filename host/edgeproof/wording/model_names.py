"""What a model is called when nobody says so: never by a word that every exporter writes."""

import re
from collections.abc import Sequence
from pathlib import Path

FALLBACK = "detector"

_SAYS_NOTHING = re.compile(
    r"(?:frozen[_-]?|tflite[_-]?)?(?:inference[_-]?)?graph|(?:saved|tf|tflite|my|best|last|final|keras)?[_-]?model"
    r"|tflite|pipeline|checkpoints?|ckpt-?[0-9]*|exported|export|variables|weights|best|last|detect|bundles?|samples?|outputs?|out"
    r"|build|results?|models?|downloads?|documents?|desktop|home|root|tmp|temp|[0-9]+"
    r"|float32|float16|dynamic|int8|int16x8",
    re.IGNORECASE,
)
_FOLDERS_LOOKED_AT = 4
_LABELS_NAMED = 2


def says_nothing(name: str) -> bool:
    """Whether a name is one that tools give to every model's files and folders (`frozen_inference_graph`)."""
    return _SAYS_NOTHING.fullmatch(name) is not None


def name_of_files(source: Path) -> str | None:
    """The name of a model's file, else of a folder around it; None where none of them says anything."""
    home = Path("~").expanduser()
    folders = [folder for folder in list(source.resolve().parents)[:_FOLDERS_LOOKED_AT] if folder != home]
    names = (source.stem, *(folder.name for folder in folders))
    return next((_plain(name) for name in names if name and not says_nothing(name)), None)


def name_of_labels(labels: Sequence[str]) -> str:
    """What it finds, where that is one thing or two."""
    return _plain("-".join(labels)) if 0 < len(labels) <= _LABELS_NAMED else FALLBACK


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:64] or FALLBACK
