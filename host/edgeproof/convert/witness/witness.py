"""Measures on pictures what a network's boxes, background and input mean, and where that contradicts what was said."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.convert.witness.agreement import judgeable, support
from edgeproof.convert.witness.observation import Observed, observe
from edgeproof.ssd.box_reading import Reading, all_readings
from edgeproof.ssd.model import Predictions, SsdModel
from edgeproof.wording.counting import counted
from edgeproof_agent.bundle.manifest import ColourOrder, InputContract

FEWEST_PICTURES = 2
TOO_NEAR = 0.05
"""Below this margin two readings cannot be told apart."""
CONTRADICTION = 0.15
SOUND = 0.65
"""Support that a trained network reaches under the right reading; random weights stay below it."""


_QUIET = 0.2
"""Mean score over all anchors that no column but the background's reaches in a trained network."""


@dataclass(frozen=True)
class Ranked:
    options: str
    """That stand for the hypothesis on the command line."""
    support: float
    """0..1."""
    said: bool
    """Whether it is what was said, read or assumed."""
    reading: Reading | None = None

    def record(self) -> dict[str, Any]:
        return {"options": self.options, "support": round(self.support, 3), "said": self.said}


@dataclass(frozen=True)
class Findings:
    boxes: Sequence[Ranked]
    """Best first."""
    inputs: Sequence[Ranked]
    pictures: int
    """On which anchors enough are sure of something."""
    background: str | None
    """What the columns say against what was said of them; None when nothing."""

    clearest: tuple[int, Observed] | None = None
    """Index of the picture that it sees most on, and what it sees there."""

    @property
    def undecided(self) -> str | None:
        """Why the boxes cannot be told; None when they can."""
        return _undecided(self.boxes, self.pictures)

    @property
    def contradiction(self) -> str | None:
        """What was measured against what was said, with the options that go with the measurement; None if nothing."""
        for what, ranked in (("boxes", self.boxes), ("input", self.inputs)):
            if not ranked or self.pictures < FEWEST_PICTURES:
                continue
            said = next(item for item in ranked if item.said)
            best = ranked[0]
            if best.support >= SOUND and best.support - said.support >= CONTRADICTION:
                return (
                    f"its {what} are contradicted by {counted(self.pictures, 'picture')}: support "
                    f"{best.support:.2f} for {best.options}, {said.support:.2f} for what was said or assumed "
                    f"({said.options})"
                )
        return self.background

    def record(self) -> dict[str, Any]:
        """For the bundle: the best hypotheses of each kind with their support."""
        return {
            "measured": self.undecided is None,
            "why": self.undecided,
            "pictures": self.pictures,
            "boxes": [item.record() for item in self.boxes[:3]],
            "input": [item.record() for item in self.inputs[:3]],
            "contradiction": self.contradiction,
        }


def _undecided(ranked: Sequence[Ranked], pictures: int) -> str | None:
    if pictures < FEWEST_PICTURES:
        return (
            f"it is sure of something on {counted(pictures, 'picture')}, and {FEWEST_PICTURES} are needed: "
            "give pictures with what it was trained to find"
        )
    if ranked[0].support < SOUND:
        return (
            "neighbouring anchors agree under no hypothesis: its weights are random or badly trained, or its heads "
            "or its input are others than was said"
        )
    if len(ranked) > 1 and ranked[0].support - ranked[1].support < TOO_NEAR:
        return "the best two hypotheses are too near to each other"
    return None


def examine(model: SsdModel, predictions: Predictions, pictures: Sequence[npt.NDArray[np.uint8]]) -> Findings:
    """Runs the network on pictures, uint8 [H, W, 3] in BGR, under hypotheses of its input. Imports TensorFlow."""
    seen = {words: observe(model, predictions, pictures, contract) for words, contract in _contracts(model.input)}
    said_words = next(iter(seen))
    readings = all_readings(predictions.reading, predictions.anchors)
    # Under a wrong input the network may be blind: the readings are judged where it sees most.
    sharpest = max(seen.values(), key=lambda item: (sum(map(judgeable, item)), _sureness(item)))
    usable = [item for item in sharpest if judgeable(item)]
    boxes = _ranked([Ranked(r.options(), support(r, usable), r == predictions.reading, r) for r in readings])
    best = boxes[0].reading or predictions.reading
    inputs = _ranked(
        [Ranked(words, _input_support(best, items, len(usable)), words == said_words) for words, items in seen.items()]
    )
    places = [index for index, item in enumerate(sharpest) if judgeable(item)]
    clearest = max(places, key=lambda index: float(sharpest[index].still.scores.sum()), default=None)
    return Findings(
        boxes,
        inputs,
        len(usable),
        background(seen[said_words]),
        None if clearest is None else (clearest, sharpest[clearest]),
    )


def _ranked(items: list[Ranked]) -> list[Ranked]:
    # What was said goes first among equals.
    return sorted(items, key=lambda item: (-round(item.support, 6), not item.said))


def _sureness(observed: Sequence[Observed]) -> float:
    return float(sum(item.still.scores[0] for item in observed if len(item.still.scores)))


def _input_support(reading: Reading, observed: Sequence[Observed], pictures: int) -> float:
    """Support of the boxes, each picture weighed by the network's best score; a picture it is blind on counts 0."""
    values = [support(reading, [item]) * float(item.still.scores[0]) for item in observed if judgeable(item)]
    return sum(values) / max(pictures, len(values), 1)


def _contracts(said: InputContract) -> list[tuple[str, InputContract]]:
    """The said input first, then the usual ones, each with the options that stand for it."""
    ranges = [
        ("--input-range=-1..1", (127.5,) * 3, (127.5,) * 3),
        ("--input-range 0..1", (0.0,) * 3, (255.0,) * 3),
        ("--input-range 0..255", (0.0,) * 3, (1.0,) * 3),
        ("--mean 123.68,116.779,103.939", (123.68, 116.779, 103.939), (1.0,) * 3),
    ]
    found: dict[tuple[object, ...], tuple[str, InputContract]] = {}
    for words, mean, std in [(_words(said), said.mean, said.std), *ranges]:
        for colours in (said.colour_order, *(item for item in ColourOrder if item is not said.colour_order)):
            flipped = colours is not said.colour_order and mean != said.mean
            contract = replace(said, mean=mean[::-1] if flipped else mean, std=std, colour_order=colours)
            key = (contract.mean, contract.std, colours)
            found.setdefault(key, (f"{words} --colour-order {colours.value}", contract))
    return list(found.values())


def _words(said: InputContract) -> str:
    mean, std = (",".join(f"{value:g}" for value in values) for values in (said.mean, said.std))
    return f"--mean {mean} --std {std}"


def background(observed: Sequence[Observed]) -> str | None:
    """The background's column is near 1 for most anchors, no class is."""
    if not observed:
        return None
    columns = np.mean([item.columns for item in observed], axis=0)
    if columns[0] > 0.5 or len(columns) < 3:
        return None
    place = int(columns.argmax())
    # A trained network is sure of little else. Of random weights nothing can be told.
    if columns[place] <= 0.5 or np.delete(columns, place).max() > _QUIET:
        return None
    shown = f"its background is contradicted: a class has the mean score {columns[place]:.2f} over all anchors"
    if place == len(columns) - 1:
        return f"{shown}, which is the last column's: --background-last"
    return f"{shown}, which is column {place}'s of the classes: --background, if it is the first of the network"
