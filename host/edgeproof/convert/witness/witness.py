"""Measures on pictures what a network's boxes, background and input mean, by running it under every hypothesis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.convert.witness.agreement import judgeable, support
from edgeproof.convert.witness.observation import NEARLY_EVERYWHERE, Floats, Observed, observe
from edgeproof.convert.witness.ranking import BOXES, FEWEST_PICTURES, INPUT, SOUND, Ranked, Ranking
from edgeproof.ssd.box_reading import Reading, all_readings
from edgeproof.ssd.model import Predictions, SsdModel
from edgeproof.wording.counting import counted
from edgeproof_agent.bundle.manifest import ColourOrder, InputContract

_QUIET = 0.2
"""Mean score over all anchors that only the background's column exceeds in a trained network: .08 at most was seen."""


@dataclass(frozen=True)
class Background:
    """What the columns of the scores say of the background, against what was said."""

    words: str
    fields: Mapping[str, bool]
    """Of the source's options that go with it; none when no option does."""


@dataclass(frozen=True)
class Findings:
    boxes: Ranking[Reading]
    inputs: Ranking[InputContract]
    pictures: int
    """On which anchors enough are sure of something."""
    background: Background | None
    """None when the columns contradict nothing."""
    clearest: tuple[int, Observed] | None = None
    """Index of the picture that it sees most on, and what it sees there."""

    @property
    def unsound(self) -> str | None:
        """Why nothing can be told of the source at all; None when something can."""
        if self.pictures < FEWEST_PICTURES:
            return (
                f"it is sure of something on {counted(self.pictures, 'picture')}, and {FEWEST_PICTURES} are needed: "
                "give pictures with what it was trained to find"
            )
        if self.boxes.best.support < SOUND:
            return (
                "neighbouring anchors agree under no hypothesis: its weights are random or badly trained, or its heads "
                "or its input are others than was said"
            )
        return None

    @property
    def undecided(self) -> str | None:
        """Why the boxes cannot be told; None when they can."""
        return self.unsound or _several(self.boxes)

    @property
    def undecided_input(self) -> str | None:
        return self.unsound or _several(self.inputs)

    def record(self) -> dict[str, Any]:
        """For the bundle: the best hypotheses of each kind with their support."""
        return {
            "measured": self.undecided is None,
            "why": self.undecided,
            "pictures": self.pictures,
            "boxes": self.boxes.record(),
            "input": self.inputs.record(),
            "background": self.background and self.background.words,
        }


def _several(ranking: Ranking[Any]) -> str | None:
    left = len(ranking.left)
    if left == 1:
        return None
    return f"the pictures do not rule out {left} of the {len(ranking.items)} hypotheses of its {ranking.what}"


def examine(
    model: SsdModel, predictions: Predictions, pictures: Sequence[npt.NDArray[np.uint8]], other_inputs: bool = True
) -> Findings:
    """Runs the network on pictures, uint8 [H, W, 3] in BGR, under hypotheses of its input, or as it was said alone.

    Imports TensorFlow.
    """
    contracts = contracts_like(model.input) if other_inputs else contracts_like(model.input)[:1]
    seen = [(words, contract, observe(model, predictions, pictures, contract)) for words, contract in contracts]
    as_said = seen[0][2]
    readings = all_readings(predictions.reading, predictions.anchors)
    # Under a wrong input the network may be blind: the readings are judged where it sees most.
    sharpest = max((items for _, _, items in seen), key=lambda items: (sum(map(judgeable, items)), _sureness(items)))
    usable = [item for item in sharpest if judgeable(item)]
    boxes = Ranking.of(
        "boxes",
        [Ranked(item.options(), support(item, usable), item == predictions.reading, item) for item in readings],
        BOXES,
    )
    values = np.array([_input_support(boxes.best.meaning, items) for _, _, items in seen], np.float32)
    telling = values.max(axis=0) > 0
    inputs = Ranking.of(
        "input",
        [
            Ranked(words, of_contract[telling], index == 0, contract)
            for index, ((words, contract, _), of_contract) in enumerate(zip(seen, values, strict=True))
        ],
        INPUT,
    )
    places = [index for index, item in enumerate(sharpest) if judgeable(item)]
    clearest = max(places, key=lambda index: float(sharpest[index].still.scores.sum()), default=None)
    seen_most = None if clearest is None else (clearest, sharpest[clearest])
    findings = Findings(boxes, inputs, len(usable), background(as_said), seen_most)
    # Random weights are sure of something in any column.
    denied = findings.background is not None and findings.background.fields.get("background") is False
    return replace(findings, background=None) if denied and findings.unsound is not None else findings


def _sureness(observed: Sequence[Observed]) -> float:
    return float(sum(item.still.scores[0] for item in observed if len(item.still.scores)))


def _input_support(reading: Reading, observed: Sequence[Observed]) -> Floats:
    """[pictures]: support of the boxes times the network's best score; a picture it is blind on counts 0."""
    values = [
        float(support(reading, [item])[0]) * float(item.still.scores[0]) if judgeable(item) else 0.0
        for item in observed
    ]
    return np.array(values, np.float32)


def contracts_like(said: InputContract) -> list[tuple[str, InputContract]]:
    """The said input first, then the usual ones, each with the options that stand for it."""
    ranges = [
        ("--input-range=-1..1", (127.5,) * 3, (127.5,) * 3),
        ("--input-range 0..1", (0.0,) * 3, (255.0,) * 3),
        ("--input-range 0..255", (0.0,) * 3, (1.0,) * 3),
        ("--mean 123.68,116.779,103.939", (123.68, 116.779, 103.939), (1.0,) * 3),
    ]
    usual = {(mean, std): words for words, mean, std in ranges}
    said_words = usual.get((said.mean, said.std), _words(said))
    found: dict[tuple[object, ...], tuple[str, InputContract]] = {}
    for words, mean, std in [(said_words, said.mean, said.std), *ranges]:
        for colours in (said.colour_order, *(item for item in ColourOrder if item is not said.colour_order)):
            flipped = colours is not said.colour_order and mean != said.mean
            ordered = mean[::-1] if flipped else mean
            contract = replace(said, mean=ordered, std=std, colour_order=colours)
            shown = _words(contract) if flipped and mean[0] != mean[2] else words
            found.setdefault((ordered, std, colours), (f"{shown} --colour-order {colours.value}", contract))
    return list(found.values())


def _words(said: InputContract) -> str:
    mean, std = (",".join(f"{value:g}" for value in values) for values in (said.mean, said.std))
    return f"--mean {mean} --std {std}"


def background(observed: Sequence[Observed]) -> Background | None:
    """The background's column is near 1 for most anchors, no class is; and the background is no object."""
    if not observed:
        return None
    columns = np.mean([item.columns for item in observed], axis=0)
    if columns[0] > NEARLY_EVERYWHERE:
        return None
    place = int(columns.argmax())
    # A trained network is sure of little else. Of random weights nothing can be told.
    if np.delete(columns, place).max() > _QUIET:
        return None
    if columns[place] <= NEARLY_EVERYWHERE:
        seen = sum(item.first_column_best for item in observed)
        if seen < FEWEST_PICTURES:
            return None
        words = f"the column that is taken for it is surest of something on {counted(seen, 'picture')}, as a class is"
        return Background(f"its background is contradicted: {words}: --no-background", {"background": False})
    if len(columns) < 3:
        return None
    shown = f"its background is contradicted: a class has the mean score {columns[place]:.2f} over all anchors"
    if place == len(columns) - 1:
        return Background(f"{shown}, which is the last column's: --background-last", {"background_last": True})
    words = f"{shown}, which is column {place}'s of the classes"
    if place == 1:
        return Background(f"{words}: --background, if it is the first of the network", {"background": True})
    return Background(words, {})
