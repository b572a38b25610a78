"""What pictures rule out, and what an export makes of it: said before read, before measured, before usual."""

from dataclasses import replace

import numpy as np
import pytest

from edgeproof.convert.witness.conclusion import Conclusion, Origin, conclude
from edgeproof.convert.witness.observation import Floats, Observation, Observed
from edgeproof.convert.witness.ranking import BOXES, INPUT, SOUND, Ranked, Ranking
from edgeproof.convert.witness.witness import Background, Findings, background, contracts_like
from edgeproof.ssd.box_reading import Reading
from edgeproof.ssd.conventions import BoxCoder, CoordinateOrder
from edgeproof.ssd.families import Family, with_family
from edgeproof.ssd.model import Predictions
from edgeproof.ssd.source_options import AnchorFormat, InputRange, SourceOptions
from edgeproof_agent.bundle.manifest import ColourOrder, Coordinates, InputContract

YX, XY = CoordinateOrder.YX, CoordinateOrder.XY
USUAL = Reading(BoxCoder.CENTRE, YX, AnchorFormat.CENTRE, YX, (10.0, 10.0, 5.0, 5.0))
TRANSPOSED = replace(USUAL, order=XY)
MIRRORED = USUAL.mirrored()
INPUT_CONTRACT = InputContract(64, 64, ColourOrder.RGB, Coordinates.HALF_PIXEL, (127.5,) * 3, (127.5,) * 3)


def ranking(values: dict[Reading, list[float]]) -> Ranking[Reading]:
    """The usual reading is the one that was said or assumed."""
    items = [Ranked(item.options(), np.array(of, np.float32), item == USUAL, item) for item, of in values.items()]
    return Ranking.of("boxes", items, BOXES)


def findings(boxes: Ranking[Reading], inputs: list[Floats] | None = None, found: Background | None = None) -> Findings:
    contracts = contracts_like(INPUT_CONTRACT)[: len(inputs or [0])]
    given = inputs or [np.full(boxes.pictures, 0.9, np.float32)]
    pairs = zip(contracts, given, strict=True)
    items = [Ranked(words, of, index == 0, one) for index, ((words, one), of) in enumerate(pairs)]
    return Findings(boxes, Ranking.of("input", items, INPUT), boxes.pictures, found)


def concluded(found: Findings, options: SourceOptions, told: frozenset[str] = frozenset()) -> Conclusion:
    return conclude(found, Predictions(None, np.zeros((1, 4), np.float32), USUAL, told), options)


def test_a_better_hypothesis_rules_out_by_margin_and_by_most_pictures() -> None:
    found = ranking({TRANSPOSED: [0.9] * 9, USUAL: [0.84] * 9, MIRRORED: [0.86] * 9})
    assert [item.meaning for item in found.left] == [TRANSPOSED, MIRRORED]
    # One picture's large difference is no majority.
    found = ranking({TRANSPOSED: [0.9] * 9, USUAL: [0.9] * 7 + [0.1, 0.1]})
    assert found.margin > BOXES.margin(9)
    assert len(found.left) == 2


def test_few_pictures_need_a_larger_margin_and_two_rule_out_nothing() -> None:
    assert len(ranking({TRANSPOSED: [0.9] * 3, USUAL: [0.83] * 3}).left) == 2
    assert len(ranking({TRANSPOSED: [0.9] * 3, USUAL: [0.80] * 3}).left) == 1
    assert len(ranking({TRANSPOSED: [0.9] * 2, USUAL: [0.10] * 2}).left) == 2


def test_what_was_said_goes_first_among_equals() -> None:
    assert ranking({TRANSPOSED: [0.9] * 4, USUAL: [0.9] * 4}).best.meaning == USUAL


def test_why_nothing_is_told_of_few_pictures_random_weights_and_near_hypotheses() -> None:
    assert findings(ranking({USUAL: [0.9] * 3, MIRRORED: [0.2] * 3})).undecided is None
    assert "sure of something on 2 pictures" in str(findings(ranking({USUAL: [0.9] * 2})).undecided)
    assert "random" in str(findings(ranking({USUAL: [SOUND - 0.01] * 4, MIRRORED: [0.1] * 4})).undecided)
    near = findings(ranking({USUAL: [0.9] * 4, MIRRORED: [0.88] * 4, TRANSPOSED: [0.1] * 4}))
    assert near.undecided == "the pictures do not rule out 2 of the 3 hypotheses of its boxes"


def test_what_nobody_said_is_taken_as_measured() -> None:
    result = concluded(findings(ranking({TRANSPOSED: [0.9] * 4, USUAL: [0.3] * 4})), SourceOptions())
    assert (result.contradiction, result.boxes) == (None, Origin.MEASURED)
    assert (result.options.box_order, result.options.anchor_order) == (XY, YX)
    assert result.taken is not None
    assert "--box-order xy" in result.taken
    assert "(margin 0.60)" in result.taken


@pytest.mark.parametrize(("said", "told"), [("box_order", ""), ("", "box_order")])
def test_what_was_said_or_read_is_contradicted(said: str, told: str) -> None:
    options = SourceOptions(box_order=YX) if said else SourceOptions()
    found = findings(ranking({TRANSPOSED: [0.9] * 4, USUAL: [0.3] * 4}))
    result = concluded(found, options, frozenset([told]))
    assert "support 0.90 for" in str(result.contradiction)
    assert "0.30 for what was said or assumed" in str(result.contradiction)
    assert result.options == options


def test_what_was_said_narrows_what_the_pictures_leave() -> None:
    found = findings(ranking({TRANSPOSED: [0.9] * 4, MIRRORED: [0.89] * 4, USUAL: [0.3] * 4}))
    assert concluded(found, SourceOptions()).contradiction is not None
    result = concluded(found, SourceOptions(anchor_order=YX))
    assert result.contradiction is None
    assert (result.options.box_order, result.options.anchor_order) == (XY, YX)


def test_random_weights_contradict_nothing_and_change_nothing() -> None:
    options = SourceOptions(box_order=YX)
    result = concluded(findings(ranking({TRANSPOSED: [0.6] * 4, USUAL: [0.0] * 4})), options)
    assert (result.contradiction, result.options, result.boxes) == (None, options, Origin.ASSUMED)


def test_a_family_says_all_and_a_part_leaves_the_rest_assumed() -> None:
    near = findings(ranking({USUAL: [0.9] * 4, MIRRORED: [0.89] * 4}))
    whole = with_family(SourceOptions(anchor_format=AnchorFormat.CENTRE), Family.MODEL_MAKER)
    whole = replace(whole, anchor_order=YX, colour_order=ColourOrder.RGB)
    assert concluded(near, whole).boxes is concluded(near, whole).inputs is Origin.SAID
    assert concluded(near, SourceOptions(box_coder=BoxCoder.CENTRE)).boxes is Origin.ASSUMED
    # What was said leaves the pictures but one.
    assert concluded(near, SourceOptions(box_order=YX)).boxes is Origin.MEASURED
    told = frozenset({"box_coder", "box_order", "anchor_format", "anchor_order", "box_scales"})
    assert concluded(near, SourceOptions(), told).boxes is Origin.READ


def test_the_input_is_measured_in_the_same_way() -> None:
    sharp, blind = np.full(4, 0.9, np.float32), np.full(4, 0.1, np.float32)
    boxes = ranking({USUAL: [0.9] * 4, MIRRORED: [0.1] * 4})
    found = findings(boxes, [blind, sharp, blind])
    result = concluded(found, SourceOptions())
    assert (result.inputs, result.options.colour_order) == (Origin.MEASURED, ColourOrder.BGR)
    assert "its input is contradicted" in str(
        concluded(found, SourceOptions(colour_order=ColourOrder.RGB)).contradiction
    )
    said = SourceOptions(input_range=InputRange.MINUS_ONE_TO_ONE)
    assert concluded(found, said).options.colour_order is ColourOrder.BGR
    assert concluded(found, said).options.input_range is None


def test_a_background_that_nobody_said_is_taken_as_measured_and_one_that_was_is_contradicted() -> None:
    boxes = ranking({USUAL: [0.9] * 4, MIRRORED: [0.1] * 4})
    found = findings(boxes, None, Background("it is last: --background-last", {"background_last": True}))
    assert concluded(found, SourceOptions()).options.background_last
    assert concluded(found, SourceOptions(background=True)).contradiction == "it is last: --background-last"
    unknown = findings(boxes, None, Background("it is column 2's", {}))
    assert concluded(unknown, SourceOptions()).contradiction == "it is column 2's"


def columns(*means: float, first_best: bool = False, pictures: int = 3) -> list[Observed]:
    nothing = Observation(*(np.zeros((0, *shape), np.float32) for shape in ((4,), (4,), ())))
    return [Observed(nothing, nothing, np.array(means, np.float32), first_best)] * pictures


def test_a_class_that_is_nearly_everywhere_is_the_background() -> None:
    found = background(columns(0.01, 0.02, 0.95))
    assert found is not None
    assert found.words.endswith("the last column's: --background-last")
    found = background(columns(0.0, 0.9, 0.02))
    assert found is not None
    assert "which is column 1's of the classes" in found.words
    found = background(columns(0.0, 0.1, 0.9, 0.02))
    assert found is not None
    assert not found.fields


def test_a_first_column_that_is_surest_on_pictures_is_a_class() -> None:
    found = background(columns(0.02, 0.01, 0.03, first_best=True))
    assert found is not None
    assert found.words.endswith("--no-background")
    assert background(columns(0.02, 0.01, 0.03, first_best=True, pictures=2)) is None
    assert background(columns(0.02, 0.01, 0.03)) is None, "a background that never fires"
    assert background(columns(0.99, 0.01, 0.03, first_best=True)) is None


def test_random_weights_that_score_every_class_contradict_no_background() -> None:
    assert background(columns(0.01, 0.72, 0.4, 0.3)) is None
    assert background(columns(0.45, 0.4, 0.42, first_best=True)) is None


def test_every_hypothesis_of_the_input_is_said_by_its_options() -> None:
    hypotheses = contracts_like(replace(INPUT_CONTRACT, mean=(123.68, 116.779, 103.939), std=(1.0, 1.0, 1.0)))
    assert hypotheses[0][0] == "--mean 123.68,116.779,103.939 --colour-order rgb"
    assert hypotheses[1][0] == "--mean 123.68,116.779,103.939 --colour-order bgr"
    assert len({(one.mean, one.std, one.colour_order) for _, one in hypotheses}) == len(hypotheses) == 8
    (turned,) = (words for words, one in contracts_like(INPUT_CONTRACT) if one.mean[0] == 103.939)
    assert turned == "--mean 103.939,116.779,123.68 --std 1,1,1 --colour-order bgr"
