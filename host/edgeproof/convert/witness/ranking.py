"""Hypotheses ranked by how well each explains the pictures, and which of them the pictures rule out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from edgeproof.convert.witness.observation import Floats

FEWEST_PICTURES = 3
SOUND = 0.65
"""Support that a trained network reaches under the right reading of its boxes; random weights stay below it."""

Meaning = TypeVar("Meaning")


@dataclass(frozen=True)
class Rule:
    """When a hypothesis is ruled out by a better one.

    The limits were chosen on two real SSDs and on shapes with every convention planted, so that in tens of thousands
    of random choices of pictures the right one was never ruled out: docs/reference/identify.md.
    """

    least_margin: float
    margin_of_one: float
    """What one picture would have to tell; the margin of N pictures is this over the root of N."""
    wins: float
    """Share of the pictures that the better one explains better."""

    def margin(self, pictures: int) -> float:
        return max(self.least_margin, self.margin_of_one / math.sqrt(max(pictures, 1)))


BOXES = Rule(0.05, 0.15, 0.7)
INPUT = Rule(0.1, 0.6, 0.0)
"""A trained network sees much under a wrong input, too, and now and then more."""


@dataclass(frozen=True)
class Ranked(Generic[Meaning]):
    options: str
    """That stand for the hypothesis on the command line."""
    values: Floats
    """[pictures] in 0..1: how well it explains each."""
    said: bool
    """Whether it is what was said, read or assumed."""
    meaning: Meaning

    @property
    def support(self) -> float:
        """0..1; 0 without pictures."""
        return float(self.values.mean()) if len(self.values) else 0.0

    def record(self) -> dict[str, Any]:
        return {"options": self.options, "support": round(self.support, 3), "said": self.said}


@dataclass(frozen=True)
class Ranking(Generic[Meaning]):
    what: str
    """E.g. boxes."""
    items: Sequence[Ranked[Meaning]]
    """Best first."""
    rule: Rule

    @staticmethod
    def of(what: str, items: Sequence[Ranked[Meaning]], rule: Rule) -> "Ranking[Meaning]":
        # What was said goes first among equals.
        return Ranking(what, sorted(items, key=lambda item: (-round(item.support, 6), not item.said)), rule)

    @property
    def best(self) -> Ranked[Meaning]:
        return self.items[0]

    @property
    def said(self) -> Ranked[Meaning]:
        return next(item for item in self.items if item.said)

    @property
    def pictures(self) -> int:
        """That tell anything."""
        return len(self.best.values)

    @property
    def left(self) -> Sequence[Ranked[Meaning]]:
        """What the pictures do not rule out, best first."""
        return [item for item in self.items if not self.rules_out(item)]

    @property
    def margin(self) -> float:
        """Of the best to the second."""
        return self.best.support - self.items[1].support if len(self.items) > 1 else self.best.support

    def rules_out(self, item: Ranked[Meaning]) -> bool:
        if self.pictures < FEWEST_PICTURES:
            return False
        better_by = self.best.values - item.values
        enough = float(better_by.mean()) >= self.rule.margin(self.pictures)
        return enough and float(np.mean(better_by > 0)) >= self.rule.wins

    def record(self) -> dict[str, Any]:
        return {
            "best": [item.record() for item in self.items[:3]],
            "margin": round(self.margin, 3),
            "left": [item.options for item in self.left],
        }
