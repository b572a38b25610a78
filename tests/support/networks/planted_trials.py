"""How often the witness is right, silent and wrong on a network in whose place every convention is planted.

`python -m tests.support.networks.planted_trials` prints the table of docs/reference/identify.md: `make soak`.
"""

import itertools
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from edgeproof.convert.witness.agreement import judgeable, support
from edgeproof.convert.witness.observation import Floats, Observed, observe
from edgeproof.convert.witness.ranking import BOXES, INPUT, SOUND, Ranked, Ranking, Rule
from edgeproof.convert.witness.witness import contracts_like
from edgeproof.ssd.box_reading import Reading, all_readings
from edgeproof.ssd.model import SsdModel
from edgeproof.ssd.source_options import SourceOptions
from edgeproof.ssd.sources import recognise_source
from edgeproof_agent.bundle.manifest import ColourOrder, InputContract
from tests.support.networks.planting import every_reading, plant

_BGR = {ColourOrder.RGB: ColourOrder.BGR, ColourOrder.BGR: ColourOrder.RGB}


@dataclass
class Tally:
    trials: int = 0
    right: int = 0
    silent: int = 0
    """'Cannot tell'."""
    wrong: int = 0
    """With confidence."""
    right_ones_ruled_out: int = 0
    wrongly_said: int = 0
    """Trials in which something else was said than what was planted."""
    stopped: int = 0
    """Of these, those in which the pictures rule out what was said."""

    def row(self) -> str:
        stopped = self.stopped / max(self.wrongly_said, 1)
        parts = (self.trials, f"{self.right / self.trials:.3f}", f"{self.silent / self.trials:.3f}", self.wrong)
        return " | ".join(map(str, (*parts, self.right_ones_ruled_out, f"{stopped:.3f}")))


@dataclass(frozen=True)
class SeenNetwork:
    name: str
    reading: Reading
    """Its own."""
    inputs: Sequence[str]
    """Hypotheses of the input."""
    of_input: dict[tuple[str, str], list[Observed]] = field(repr=False)
    """What it would see under a hypothesis, the second, if it wanted the first."""

    @property
    def as_trained(self) -> list[Observed]:
        return self.of_input[self.inputs[0], self.inputs[0]]


def see(name: str, model: SsdModel, pictures: Sequence[np.ndarray]) -> SeenNetwork:
    assert model.predictions is not None
    hypotheses = contracts_like(model.input)
    seen: dict[InputContract, list[Observed]] = {}
    of_input = {}
    for (wanted, want), (given, give) in itertools.product(hypotheses, hypotheses):
        contract = _in_its_place(model.input, want, give)
        if contract not in seen:
            seen[contract] = observe(model, model.predictions, pictures, contract)
        of_input[wanted, given] = seen[contract]
    return SeenNetwork(name, model.predictions.reading, [words for words, _ in hypotheses], of_input)


def _in_its_place(own: InputContract, wanted: InputContract, given: InputContract) -> InputContract:
    """What a network with the contract `own` gets when one that wants `wanted` is given `given`."""
    mean, std = np.array(own.mean), np.array(own.std)
    wanted_mean, wanted_std, given_mean, given_std = (
        np.array(values) for values in (wanted.mean, wanted.std, given.mean, given.std)
    )
    got_mean = given_mean - (wanted_mean - mean) * given_std / wanted_std
    got_std = std * given_std / wanted_std
    order = given.colour_order
    if wanted.colour_order is not own.colour_order:
        order, got_mean, got_std = _BGR[order], got_mean[::-1], got_std[::-1]
    rounded = [tuple(float(f"{value:.6g}") for value in values) for values in (got_mean, got_std)]
    return replace(own, mean=rounded[0], std=rounded[1], colour_order=order)  # type: ignore[arg-type]


def try_boxes(network: SeenNetwork, choices: int, most: int = 24) -> Tally:
    """Each convention of the boxes, on `choices` random sets of pictures each."""
    random = np.random.default_rng(0)
    tally = Tally()
    usable = [item for item in network.as_trained if judgeable(item)][:most]
    for planted in every_reading():
        seen = plant(planted, network.reading, usable)
        anchors = np.concatenate([item.still.anchors for item in seen])
        hypotheses = all_readings(planted, anchors)
        values = np.stack([support(item, seen) for item in hypotheses])

        for _ in range(choices):
            chosen = values[:, _some(random, values.shape[1])]
            _count(tally, chosen, 0, int(random.integers(len(hypotheses))), BOXES, SOUND)
    return tally


def try_inputs(network: SeenNetwork, choices: int) -> Tally:
    """Each hypothesis of the input, on `choices` random sets of pictures each."""
    random = np.random.default_rng(0)
    tally = Tally()
    for place, wanted in enumerate(network.inputs):
        values = np.stack([_seen_well(network, network.of_input[wanted, given]) for given in network.inputs])
        for _ in range(choices):
            chosen = values[:, _some(random, values.shape[1])]
            chosen = chosen[:, chosen.max(axis=0) > 0]
            _count(tally, chosen, place, int(random.integers(len(values))), INPUT, 0.0)
    return tally


def _seen_well(network: SeenNetwork, observed: Sequence[Observed]) -> Floats:
    return np.array(
        [
            float(support(network.reading, [item])[0]) * float(item.still.scores[0]) if judgeable(item) else 0.0
            for item in observed
        ],
        np.float32,
    )


def _some(random: np.random.Generator, pictures: int) -> np.ndarray:
    """Places of 2 and more pictures, few rather than many."""
    return random.choice(pictures, min(pictures, 2 + int(random.geometric(0.2))), replace=False)


def _count(tally: Tally, values: Floats, planted: int, said: int, rule: Rule, sound: float) -> None:
    items = [Ranked(str(index), of, index == said, index) for index, of in enumerate(values)]
    ranking = Ranking.of("", items, rule)
    tally.trials += 1
    usable = ranking.best.support >= sound and ranking.pictures > 0
    left = [item.meaning for item in ranking.left] if usable else list(range(len(values)))
    tally.right += left == [planted]
    tally.silent += len(left) > 1
    tally.wrong += len(left) == 1 and left != [planted]
    tally.right_ones_ruled_out += planted not in left
    tally.wrongly_said += said != planted
    tally.stopped += said != planted and said not in left


def see_shapes(folder: Path, pictures: int) -> SeenNetwork:
    from edgeproof.sample.shapes import fetch_shapes

    sample = fetch_shapes(folder)
    model = recognise_source(sample.model).read(sample.labels, None, SourceOptions(anchors=str(sample.anchors)))
    files = sorted((sample.test_set / "images").iterdir())[:pictures]
    return see("shapes", model, [_read(file) for file in files])


def _read(file: Path) -> np.ndarray:
    picture: np.ndarray | None = cv2.imread(str(file))
    assert picture is not None, file
    return picture


def _see_real(folder: Path, photos: Sequence[Path]) -> list[SeenNetwork]:
    from edgeproof.sample.coco import fetch_coco
    from edgeproof.sample.pedestrian import fetch_pedestrian

    found = []
    for name, fetch in (("pedestrian", fetch_pedestrian), ("COCO", fetch_coco)):
        sample = fetch(folder / name)
        files = [*photos, *sorted((sample.path / "photos").iterdir()), *sorted(sample.calibration.iterdir())[::8]]
        model = recognise_source(sample.model).read(sample.labels)
        found.append(see(name, model, [_read(file) for file in files]))
    return found


def main(photos: Sequence[Path]) -> int:
    """1 when anything was told wrongly. `photos`: more of them, for the two real networks."""
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        networks = [*_see_real(Path(folder), photos), see_shapes(Path(folder) / "shapes", 24)]
    sys.stdout.write("| network | planted | trials | right | cannot tell | wrong | right one ruled out | stopped |\n")
    sys.stdout.write("|---|---|---|---|---|---|---|---|\n")
    trials: Sequence[tuple[str, Callable[[SeenNetwork, int], Tally], int]]
    trials = (("boxes", try_boxes, 200), ("input", try_inputs, 2000))
    for network, (what, attempt, choices) in itertools.product(networks, trials):
        tally = attempt(network, choices)
        sys.stdout.write(f"| {network.name} | {what} | {tally.row()} |\n")
        bad += tally.wrong + tally.right_ones_ruled_out
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
