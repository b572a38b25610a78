"""What of a `conv_hyperparams` counts when a network is run: batch normalisation, activation and biases."""

import enum
from dataclasses import dataclass

from edgeproof.ssd.checkpoint.config_section import Section

_TRAINING = ("regularizer", "initializer", "regularize_depthwise")


class Activation(enum.Enum):
    NONE = 0
    RELU = 1
    SWISH = 2
    RELU_6 = 3


class _Operation(enum.Enum):
    CONV = 1


@dataclass(frozen=True)
class BatchNorm:
    epsilon: float = 0.001
    center: bool = True
    scale: bool = True
    synchronised: bool = False
    """`sync_batch_norm`: the same numbers, but the shared box predictor leaves it out."""


@dataclass(frozen=True)
class Hyperparameters:
    """The defaults are those of a backbone that does not take over the configuration's (models/keras_models)."""

    activation: Activation = Activation.RELU_6
    batch_norm: BatchNorm | None = BatchNorm()
    force_use_bias: bool = False

    @property
    def use_bias(self) -> bool:
        """`KerasLayerHyperparams.use_bias` of builders/hyperparams_builder.py."""
        return self.force_use_bias or self.batch_norm is None or not self.batch_norm.center


def read_hyperparameters(section: Section | None) -> Hyperparameters:
    """With the defaults of hyperparams.proto when the section, or a field of it, is not there."""
    if section is None:
        return Hyperparameters(Activation.RELU, None)
    section.member("op", _Operation.CONV)
    plain, synchronised = section.section("batch_norm"), section.section("sync_batch_norm")
    if plain is not None and synchronised is not None:
        raise section.error("batch_norm and sync_batch_norm exclude each other")
    batch_norm = plain or synchronised
    result = Hyperparameters(
        activation=section.member("activation", Activation.RELU),
        batch_norm=None if batch_norm is None else _read_batch_norm(batch_norm, synchronised is not None),
        force_use_bias=section.flag("force_use_bias", False),
    )
    section.finish(_TRAINING)
    return result


def _read_batch_norm(section: Section, synchronised: bool) -> BatchNorm:
    result = BatchNorm(
        epsilon=section.number("epsilon", 0.001),
        center=section.flag("center", True),
        scale=section.flag("scale", False),
        synchronised=synchronised,
    )
    section.finish(["decay", "train"])
    if result.epsilon < 0:
        raise section.error(f"epsilon is {result.epsilon:g}")
    return result
