"""`[check]` of edgeproof.toml: what is measured on which boards, and the gates that it is held against."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from edgeproof.config.boards import read_config, require_known
from edgeproof.config.export import EXPORT_MEANINGS, ExportConfig
from edgeproof.errors import ProfileError
from edgeproof.local_files.bounded_files import read_bounded

_MAX_CONFIG_BYTES = 1 << 20


class CheckConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cell is measured for each bundle on each board under each runtime with each number of threads."""

    model: str | None = None
    """What bundles are exported from, where they are missing or stale."""
    variants: tuple[str, ...] = ()
    """Of the model; float32 when none is named."""
    export: ExportConfig | None = None
    """How the model is exported."""
    bundles: tuple[str, ...] = ()
    """Folders of bundles, from the file's own folder; `*` stands for any name."""
    boards: tuple[str, ...] = ()
    """Names of `[boards.NAME]`, or `user@host[:port]`."""
    runtimes: tuple[Literal["tflite-runtime", "ai-edge-litert"], ...] = ()
    """None: the one that each board prefers."""
    threads: tuple[Annotated[int, msgspec.Meta(ge=1, le=64)], ...] = ()
    """None: the board's CPUs, at most 4."""
    cores: Literal["all", "big"] = "all"
    """CPUs of the boards to run on."""
    delegate: str | None = None
    """External delegate on the boards; None: none."""
    pictures: tuple[str, ...] = ()
    """Files and folders for parity."""
    data: str | None = None
    """A labelled data set for accuracy: COCO, VOC or YOLO."""
    images_root: str | None = None
    """Where its pictures lie; None: where they usually do."""
    split: str | None = None
    """Part of a VOC or YOLO data set; None: val, else test."""
    classes: dict[str, str] = msgspec.field(default_factory=dict)
    """Class of the data set to label of the model, where their names differ."""
    common_classes: bool = False
    """Whether classes of the data set that a model does not know are left out."""
    picture: str | None = None
    """What latency is measured on; None: a generated one."""
    min_score: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    """From here on a detection is confident."""
    runs: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    """None: as many as the gates need."""
    seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 120.0
    """The most that latency of one cell may take."""
    gates: dict[str, str | tuple[str, ...]] = msgspec.field(default_factory=dict)


_MEANINGS = {
    "model": "a text: the path of a model",
    "variants": "a list of variants' names",
    "export": "a table, [check.export]",
    "bundles": "a list of folders",
    "boards": "a list of boards' names",
    "runtimes": "a list of tflite-runtime and ai-edge-litert",
    "threads": "a list of whole numbers from 1 to 64",
    "cores": "all or big",
    "delegate": "a text: a name that the boards' loader finds, or a path there",
    "pictures": "a list of pictures and folders",
    "data": "a text: the path of a labelled data set",
    "images_root": "a text: the folder of the data set's pictures",
    "split": "a text: a part of the data set",
    "classes": "a table of classes of the data set and labels of the model, both texts",
    "common_classes": "true or false",
    "picture": "a text: the path of a picture",
    "min_score": "a number from 0 to 1",
    "runs": "a whole number from 1 on",
    "seconds": "a number of seconds, above 0",
    "gates": "a table, [check.gates], of texts and lists of texts",
}


def read_check(path: Path) -> CheckConfig | None:
    """`[check]` of an edgeproof.toml; None when it has none. Raises `ProfileError`."""
    check = read_config(path).check
    if check is None:
        return None
    require_known(path, "[check] ", check, tuple(_MEANINGS))
    export = check.get("export")
    if isinstance(export, dict):
        _require_export(path, export, "model" in check)
    for name, value in check.items():
        try:
            msgspec.convert({name: value}, CheckConfig)
        except msgspec.ValidationError:
            raise ProfileError(f"{path} is not right: [check] {name} must be {_MEANINGS[name]}") from None
    return msgspec.convert(check, CheckConfig)


def _require_export(path: Path, table: dict[str, object], has_model: bool) -> None:
    if not has_model:
        raise ProfileError(f"{path} is not right: [check.export] says how a model is exported, and [check] names none")
    require_known(path, "[check.export] ", table, tuple(EXPORT_MEANINGS))
    for name, value in table.items():
        try:
            msgspec.convert({name: value}, ExportConfig)
        except msgspec.ValidationError:
            raise ProfileError(f"{path} is not right: [check.export] {name} must be {EXPORT_MEANINGS[name]}") from None


def place_of(path: Path, texts: Sequence[str]) -> str:
    """`FILE, line N`, where the first of the texts stands that is found; the file alone when none is."""
    lines = read_bounded(path, _MAX_CONFIG_BYTES).decode(errors="replace").splitlines()
    for text in texts:
        for number, line in enumerate(lines, start=1):
            if text in line.partition("#")[0]:
                return f"{path}, line {number}"
    return str(path)
