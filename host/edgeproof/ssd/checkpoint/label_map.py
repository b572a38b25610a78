"""The label map that a `pipeline.config` names, when it is still there."""

from pathlib import Path

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.checkpoint.config_file import read_config
from edgeproof.ssd.checkpoint.config_section import Section


def find_label_map(config: Path) -> Path | None:
    """Where it is stated, or beside the configuration: a training's path seldom outlives its machine.

    None as well when the configuration cannot be read: whoever reads the network of it says so.
    """
    try:
        stated = stated_label_map(read_config(config))
    except NotAnSsdError:
        return None
    places = [] if stated is None else [config.parent / stated, config.parent / Path(stated).name]
    return next((path for path in places if path.is_file()), None)


def stated_label_map(config: Section) -> str | None:
    """That of the evaluation before the training's, as it is written."""
    for name in ("eval_input_reader", "train_input_reader"):
        for reader in config.sections(name):
            path = reader.text("label_map_path")
            if path:
                return path
    return None
