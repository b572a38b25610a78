"""From `[check]`, or a board and a bundle alone, to the cells that are measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeproof.bundle import Bundle, open_bundle
from edgeproof.check.cell import Cell, needs_accuracy, needs_parity
from edgeproof.config.boards import BoardProfile
from edgeproof.config.check import CheckConfig, place_of
from edgeproof.datasets.labelled import LabelledDataSet
from edgeproof.datasets.opening import open_data_set
from edgeproof.errors import ProfileError, UsageError
from edgeproof.runs.accuracy import classes_of
from edgeproof.runs.pictures import Note, PictureFile, find_pictures
from edgeproof.verify.gate_text import Gate, GateError, parse_gate


@dataclass(frozen=True)
class Wanted:
    """What the command line adds to `[check]`, or puts in its place where it is not empty."""

    boards: tuple[BoardProfile, ...] = ()
    bundles: tuple[Path, ...] = ()
    pictures: tuple[Path, ...] = ()
    gates: tuple[str, ...] = ()
    """`total p95 < 80 ms`: a key ahead of a gate."""
    data: Path | None = None
    """A labelled data set."""
    runs: int | None = None
    cool_down_seconds: float = 0.0
    wait_seconds: float = 0.0
    cores: str | None = None
    delegate: str | None = None


def cells_of(
    config: CheckConfig,
    path: Path | None,
    wanted: Wanted,
    boards: Sequence[BoardProfile],
    note: Note = lambda _: None,
    exported: Sequence[Path] = (),
) -> list[Cell]:
    """A cell for each bundle on each board under each runtime with each number of threads, in that order.

    `path` is the file that `config` was read from: its folder is where paths start, and errors name it. `boards` are
    those that `config` names; `exported` are the bundles of its model, ahead of the others; `note` is told which files
    are no pictures. Raises `ProfileError`, `UsageError`,
    `BundleError`.
    """
    gates = gates_of(config.gates, path, wanted.gates)
    bundles = [
        open_bundle(folder) for folder in wanted.bundles or _distinct([*exported, *_bundle_folders(config, path)])
    ]
    on = wanted.boards or tuple(boards)
    if not bundles:
        raise UsageError("there is no bundle to check: name one with --bundle, or write bundles or a model in [check].")
    if not on:
        raise UsageError("there is no board to check on: name one, or write boards in [check].")
    pictures = _pictures(config, path, wanted, gates, note)
    data_set = _data_set(config, path, wanted, gates)
    if data_set is not None:
        for bundle in bundles:  # a mistake costs no trip to a board
            classes_of(data_set, bundle.manifest, bundle.labels(), config.classes, config.common_classes)
    return [
        Cell(
            bundle=bundle.path,
            bundle_digest=bundle.digest,
            variant=_variant(bundle, bundles),
            board=board,
            gates=gates,
            runtime=runtime,
            threads=threads,
            cores=wanted.cores or config.cores,
            delegate=wanted.delegate or config.delegate,
            pictures=pictures,
            data_set=data_set,
            renames=config.classes,
            common_classes=config.common_classes,
            picture=_from(path, config.picture) if config.picture is not None else None,
            min_score=config.min_score,
            runs=wanted.runs or config.runs,
            seconds=config.seconds,
            cool_down_seconds=wanted.cool_down_seconds,
            wait_seconds=wanted.wait_seconds,
        )
        for bundle in bundles
        for board in on
        for runtime in config.runtimes or (None,)
        for threads in config.threads or (None,)
    ]


def gates_of(
    written: Mapping[str, str | tuple[str, ...]], path: Path | None, typed: Sequence[str] = ()
) -> tuple[Gate, ...]:
    """Those that were typed, else those of the file. Raises `ProfileError` with the place of one that means nothing."""
    if typed:
        return tuple(parse_gate(*_split(text)) for text in typed)
    gates = []
    for key, texts in written.items():
        for text in (texts,) if isinstance(texts, str) else texts:
            try:
                gates.append(parse_gate(key, text))
            except GateError as error:
                place = str(path) if path is None else place_of(path, (text, key))
                raise ProfileError(f"{place} is not right: [check.gates] {key}: {error}") from error
    return tuple(gates)


def only(cells: Sequence[Cell], words: Sequence[str]) -> list[Cell]:
    """The cells whose title has all of the words. Raises `UsageError` when none has."""
    chosen = [cell for cell in cells if all(word.casefold() in cell.title.casefold() for word in words)]
    if not chosen:
        titles = "\n".join(f"  {cell.title}" for cell in cells)
        raise UsageError(f"--only {' --only '.join(words)} leaves no cell of these:\n{titles}")
    return chosen


def _split(text: str) -> tuple[str, str]:
    key, _, gate = text.strip().partition(" ")
    return key, gate


def _distinct(folders: Sequence[Path]) -> list[Path]:
    """A model's bundles may be among those that are named."""
    found: dict[Path, Path] = {}
    for folder in folders:
        found.setdefault(folder.resolve(), folder)
    return list(found.values())


def _bundle_folders(config: CheckConfig, path: Path | None) -> list[Path]:
    folders: list[Path] = []
    for name in config.bundles:
        place = _from(path, name)
        found = sorted(place.parent.glob(place.name)) if "*" in place.name else [place]
        if not found:
            raise ProfileError(f"{path} is not right: [check] bundles names {name}, and there is nothing like it")
        folders += found
    return folders


def _pictures(
    config: CheckConfig, path: Path | None, wanted: Wanted, gates: tuple[Gate, ...], note: Note
) -> tuple[PictureFile, ...]:
    if wanted.pictures and not needs_parity(gates):
        raise UsageError("pictures are for a gate on parity: name one, like --gate 'parity differing <= 1 %'.")
    named = wanted.pictures or tuple(_from(path, name) for name in config.pictures)
    return tuple(find_pictures(named, note)) if named and needs_parity(gates) else ()


def _data_set(
    config: CheckConfig, path: Path | None, wanted: Wanted, gates: tuple[Gate, ...]
) -> LabelledDataSet | None:
    if not needs_accuracy(gates):
        if wanted.data is not None:
            raise UsageError("a data set is for a gate on accuracy: name one, like --gate 'accuracy map >= 0.40'.")
        return None
    if wanted.data is not None:
        return open_data_set(wanted.data)
    if config.data is None:
        return None
    root = None if config.images_root is None else _from(path, config.images_root)
    return open_data_set(_from(path, config.data), root, config.split)


def _from(path: Path | None, name: str) -> Path:
    """A path of the file as it is meant: from the file's folder."""
    return (Path() if path is None else path.parent) / Path(name).expanduser()


def _variant(bundle: Bundle, bundles: Sequence[Bundle]) -> str:
    """The variant alone where all bundles are of one model."""
    names = {other.manifest.name for other in bundles}
    variants = [other.manifest.variant for other in bundles]
    variant = bundle.manifest.variant
    if len(names) > 1:
        return f"{bundle.manifest.name} {variant}"
    return variant if variants.count(variant) == 1 else f"{variant} {bundle.digest[:8]}"
