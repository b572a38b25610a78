"""Average precision on labelled pictures under each hypothesis of boxes, input and background that is left."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.convert.bundle_manifest import raw_heads_contract
from edgeproof.convert.witness.observation import Floats
from edgeproof.convert.witness.ranking import Ranking
from edgeproof.convert.witness.witness import Findings
from edgeproof.datasets.class_mapping import ClassMapping, map_classes
from edgeproof.datasets.labelled import LabelledDataSet, LabelledPicture
from edgeproof.errors import PictureFolderError
from edgeproof.local_files.bounded_files import MAX_PICTURE_BYTES, read_bounded
from edgeproof.record.accuracy.samples import FoundObjects, LabelledObjects
from edgeproof.ssd.box_reading import Reading
from edgeproof.ssd.conventions import BackgroundPlace
from edgeproof.ssd.model import BoxScales, Predictions, SsdModel
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet
from edgeproof.verify.accuracy.average_precision import ranked
from edgeproof.verify.accuracy.resampling import draws, mean_over_classes, resampled
from edgeproof.wording.counting import counted
from edgeproof.wording.progress import Progress, ProgressListener
from edgeproof_agent.detection.box_decoding import BoxDecoder
from edgeproof_agent.detection.preprocess import prepare
from edgeproof_agent.pictures.decoding import decode_picture

MOST_PICTURES = 60
FEWEST_PICTURES = 5
_MOST_BOXES, _MOST_INPUTS = 6, 4
_RULED_OUT = 0.005
"""One-sided: in 995 of 1000 draws of the pictures the better hypothesis is better."""
_UNIT = np.array([[0, 0, 1, 1]], np.float32)
_SMALLEST_SIDE = 1e-6
_DETECTIONS = 100
_SCORE = 0.05

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class OnLabels:
    """A hypothesis of all three, with what it reaches."""

    parts: tuple[str, str, str]
    """Options that say it, of the boxes, the input and the background."""
    precision: float
    """Mean average precision over IoU .5 to .95, as COCO has it."""
    drawn: npt.NDArray[np.float64]
    """[B] The same on random draws of the pictures, alike for every hypothesis."""
    said: bool
    reading: Reading


@dataclass(frozen=True)
class LabelledFindings:
    items: Sequence[OnLabels]
    """Best first."""
    pictures: int
    objects: int
    classes: Sequence[str]
    """How classes were matched, in words."""

    @property
    def left(self) -> Sequence[OnLabels]:
        """What the labels do not rule out."""
        best = self.items[0]
        if self.pictures < FEWEST_PICTURES:
            return self.items
        return [item for item in self.items if not np.nanquantile(best.drawn - item.drawn, _RULED_OUT) > 0]

    def decided(self, part: int) -> str | None:
        """The options of that place of `parts`, when all that is left has the same; None when it has several."""
        options = {item.parts[part] for item in self.left}
        return options.pop() if len(options) == 1 and self.undecided is None else None

    @property
    def margin(self) -> float:
        return self.items[0].precision - self.items[1].precision if len(self.items) > 1 else self.items[0].precision

    @property
    def undecided(self) -> str | None:
        """Why the labels tell nothing at all; None when they rule something out."""
        if self.pictures < FEWEST_PICTURES:
            return f"{counted(self.pictures, 'labelled picture')}, and {FEWEST_PICTURES} are needed"
        if not self.items[0].precision > 0:
            return "it finds none of the labelled objects under any hypothesis"
        return None


def examine_on_labels(
    model: SsdModel,
    predictions: Predictions,
    findings: Findings,
    data_set: LabelledDataSet,
    progress: ProgressListener,
) -> LabelledFindings:
    """Imports TensorFlow. Raises DataSetError when no class is known to both, PictureFolderError without a picture."""
    labels = model.labels.names
    mapping = map_classes(data_set.categories, labels, data_set.used, common=True)
    with_objects = [picture for picture in data_set.pictures if picture.objects]
    chosen = with_objects[:: -(-len(with_objects) // MOST_PICTURES) or 1]
    pictures = list(_readable(chosen))
    if not pictures:
        raise PictureFolderError(f"{data_set.name}: none of its pictures can be read. Give intact JPEG or PNG files.")
    truth = _truth(pictures, mapping, data_set.relative)
    times = draws(len(pictures))
    found: list[OnLabels] = []
    inputs = _tried(findings.inputs, _MOST_INPUTS)
    boxes = _tried(findings.boxes, _MOST_BOXES)
    said_background = predictions.background
    for place, (contract, words, as_said) in enumerate(inputs):
        progress(Progress("running it on labelled pictures", done=place, total=len(inputs)))
        heads = [_run(model, predictions, prepare(picture, contract)) for _, picture in pictures]
        columns = _columns([scores for _, scores in heads], said_background)
        for (reading, box_words, box_said), background in itertools.product(boxes, columns):
            objects = _found(pictures, heads, columns[background], reading, predictions.anchors, mapping)
            of_class = ranked(truth, objects, len(mapping.labels))
            everything = resampled(of_class, np.concatenate([np.ones((1, len(pictures)), np.int32), times]))
            drawn = mean_over_classes(everything.precision)
            said = as_said and box_said and background == said_background
            parts = (box_words, words, background.value)
            found.append(OnLabels(parts, float(np.nan_to_num(drawn[0])), drawn[1:], said, reading))
    found.sort(key=lambda item: (-round(item.precision, 6), not item.said))
    return LabelledFindings(found, len(pictures), int((~truth.crowd).sum()), mapping.lines())


def _tried(ranking: Ranking[Any], most: int) -> list[tuple[Any, str, bool]]:
    """What is left, best first, and what was said in any case."""
    items = list(ranking.left[:most])
    if not any(item.said for item in items):
        items.append(ranking.said)
    return [(item.meaning, item.options, item.said) for item in items]


def _readable(chosen: Sequence[LabelledPicture]) -> Iterator[tuple[LabelledPicture, Picture]]:
    for labelled in chosen:
        try:
            yield labelled, decode_picture(read_bounded(labelled.path, MAX_PICTURE_BYTES))
        except (OSError, ValueError):
            continue


def _truth(
    pictures: Sequence[tuple[LabelledPicture, Picture]], mapping: ClassMapping, relative: bool
) -> LabelledObjects:
    places = {category: place for place, category in enumerate(mapping.labels)}
    rows = []
    for number, (labelled, picture) in enumerate(pictures):
        height, width = picture.shape[:2] if relative else (1, 1)
        for one in labelled.objects:
            if one.category in places:
                box = np.array(one.box) * [width, height, width, height]
                area = box[2] * box[3] if one.area is None else one.area
                rows.append([number, places[one.category], *box, area, one.crowd])
    return LabelledObjects.from_rows(np.array(rows, np.float64).reshape(-1, 8))


def _columns(scores: Sequence[Floats], said: BackgroundPlace) -> Mapping[BackgroundPlace, Sequence[Floats]]:
    """Scores of the classes alone, [A, C] a picture, under each hypothesis of the background."""
    if said == BackgroundPlace.FIRST:
        own = scores
    elif said == BackgroundPlace.LAST:
        own = [np.concatenate([item[:, 1:], item[:, :1]], axis=1) for item in scores]
    else:
        own = [item[:, 1:] for item in scores]
    columns = {BackgroundPlace.NONE: own}
    if own[0].shape[1] > 1:
        columns |= {
            BackgroundPlace.FIRST: [item[:, 1:] for item in own],
            BackgroundPlace.LAST: [item[:, :-1] for item in own],
        }
    return columns


def _run(model: SsdModel, predictions: Predictions, tensor: Floats) -> tuple[Floats, Floats]:
    """Box predictions [A, 4] as the network gives them, and scores [A, C + 1]."""
    image = import_tensorflow().constant(np.ascontiguousarray(tensor))
    with quiet():
        boxes = predictions.module.raw_heads(image)[0]
        scores = model.heads.module.heads(image)[1]
        return np.asarray(boxes.numpy())[0], np.asarray(scores.numpy())[0]


def _found(
    pictures: Sequence[tuple[LabelledPicture, Picture]],
    heads: Sequence[tuple[Floats, Floats]],
    scores: Sequence[Floats],
    reading: Reading,
    anchors: Floats,
    mapping: ClassMapping,
) -> FoundObjects:
    places = {category: place for place, category in enumerate(mapping.labels)}
    class_of = {index: places[category] for index, category in mapping.categories.items()}
    settings = PostprocessOptions(max_detections=_DETECTIONS, score_threshold=_SCORE)
    contract = raw_heads_contract(BoxScales(1.0, 1.0, 1.0, 1.0), settings)
    parts = [np.zeros((0, 7))]
    for number, ((_, picture), (predictions, _), columns) in enumerate(zip(pictures, heads, scores, strict=True)):
        strong = np.flatnonzero(columns.max(axis=1) >= _SCORE)
        boxes = np.clip(reading.decode(predictions[strong], anchors[strong]), -4, 5)
        low, high = boxes[:, :2], boxes[:, 2:]
        encodings = np.concatenate([(low + high) / 2, np.log(np.maximum(high - low, _SMALLEST_SIDE))], axis=1)
        decoder = BoxDecoder(np.repeat(_UNIT, len(strong), axis=0), contract)
        nothing = np.zeros((len(strong), 1), np.float32)
        kept = decoder.decode(
            encodings.astype(np.float32), np.concatenate([nothing, columns[strong]], axis=1).astype(np.float32)
        )
        height, width = picture.shape[:2]
        top, left, bottom, right = (np.clip(kept.boxes, 0, 1) * np.array([height, width] * 2)).T
        classes = np.array([class_of.get(int(index), -1) for index in kept.classes], np.int64)
        rows = np.column_stack([np.full(len(classes), number), classes, left, top, right - left, bottom - top])
        parts.append(np.column_stack([rows, kept.scores])[classes >= 0])
    return FoundObjects.from_rows(np.concatenate(parts))
