"""Reads a checkpoint of the TensorFlow 2 Object Detection API and its pipeline.config, without the API."""

from pathlib import Path

from edgeproof.errors import UsageError
from edgeproof.ssd.checkpoint.checkpoint_files import (
    CheckpointFiles,
    digest_checkpoint,
    find_checkpoint_files,
)
from edgeproof.ssd.checkpoint.checkpoint_variables import CheckpointVariables
from edgeproof.ssd.checkpoint.config_file import read_config
from edgeproof.ssd.checkpoint.label_map import find_label_map
from edgeproof.ssd.checkpoint.network import build_network
from edgeproof.ssd.checkpoint.pipeline_config import PipelineConfig, read_pipeline_config
from edgeproof.ssd.files.labels import read_labels
from edgeproof.ssd.graph.class_scores import ScoreTreatment
from edgeproof.ssd.graph.graph_cut import heads_module
from edgeproof.ssd.heads import probe_heads
from edgeproof.ssd.model import Source, SsdModel
from edgeproof.ssd.source_options import InputRange, SourceOptions
from edgeproof_agent.bundle.manifest import ColourOrder, Coordinates, InputContract

KIND = "odapi-checkpoint"


def read_checkpoint(path: Path, labels: Path | None, name: str | None, options: SourceOptions) -> SsdModel:
    """`path` is a folder, a pipeline.config, or a checkpoint near one.

    Raises NotAnSsdError when files are missing, or the checkpoint is of another network than edgeproof builds;
    UsageError for options that contradict the configuration, and labels that do not fit.
    """
    _require_no_options(options, path)
    files = find_checkpoint_files(path)
    config = read_pipeline_config(read_config(files.config))
    variables = CheckpointVariables(files.prefix)
    network = build_network(config, variables, str(files.config))
    variables.finish()
    anchors = config.anchor_generator.generate(network.grids, config.height, config.width)
    treatment = ScoreTreatment(config.score_converter, add_background=not config.has_background)
    heads = probe_heads(heads_module(network.function, 0, 1, treatment), config.height, config.width, str(files.prefix))
    label_map = find_label_map(files.config)
    words = [
        "Object Detection API checkpoint",
        _checkpoint_words(files, variables),
        config.feature_extractor.type.value,
        f"its own suppression ({config.suppression}) left to the options" if config.suppression else "",
        "" if labels else f"labels of {label_map.name}" if label_map else "no labels (its label map is not there)",
    ]
    return SsdModel(
        name=name or files.config.absolute().parent.name,
        heads=heads,
        anchors=anchors,
        box_scales=config.box_scales,
        input=_contract(config),
        labels=read_labels(labels or label_map, config.num_classes),
        source=Source(KIND, ", ".join(word for word in words if word), path.name, digest_checkpoint(path)),
    )


def _require_no_options(options: SourceOptions, path: Path) -> None:
    said = list(options.describe())
    if said:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in said)
        raise UsageError(f"{path}: a checkpoint's pipeline.config says all of the network itself; leave out {flags}.")


def _contract(config: PipelineConfig) -> InputContract:
    """`preprocess` of the feature extractors gives -1..1. The API resizes as TensorFlow 1 does, always."""
    span = InputRange.MINUS_ONE_TO_ONE
    return InputContract(
        height=config.height,
        width=config.width,
        colour_order=ColourOrder.RGB,
        coordinates=Coordinates.ASYMMETRIC,
        mean=(span.mean,) * 3,
        std=(span.std,) * 3,
    )


def _checkpoint_words(files: CheckpointFiles, variables: CheckpointVariables) -> str:
    words = files.prefix.name + (f" (newest of {files.others + 1})" if files.others else "")
    return words + (" without its moving averages" if variables.has_moving_averages else "")
