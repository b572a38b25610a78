"""The help of commands with many options: in groups, those of every day first."""

from collections.abc import Sequence

import click

_Group = tuple[str, tuple[str, ...]]

GROUPS: Sequence[_Group] = (
    (
        "Options",
        ("out", "variants", "images", "labelled", "labels", "name", "as_zip", "drawn"),
    ),
    (
        "Where things are in the source, when they are not found",
        ("boxes", "scores", "anchors", "input_size"),
    ),
    (
        "What its boxes mean, when it does not say it (edgeproof identify measures it)",
        (
            "family",
            "box_coder",
            "box_order",
            "box_scales",
            "anchor_format",
            "anchor_order",
            "anchor_units",
            "coordinates",
        ),
    ),
    (
        "What its scores mean, when it does not say it",
        ("score_converter", "background", "background_last"),
    ),
    (
        "What its input means, when it does not say it",
        ("input_range", "mean", "std", "colour_order"),
    ),
    (
        "Quantization and its calibration",
        ("input_type", "calibration_size", "seed", "images_root", "keep_float", "debug"),
    ),
    (
        "Post-processing",
        ("post", "nms", "max_detections", "classes_per_detection", "score_threshold", "iou_threshold"),
    ),
    ("Seldom", ("trust_me", "via_odapi", "odapi_python")),
)
"""Titles, and the names of the parameters below each. Groups of which a command has none are left out."""


class GroupedCommand(click.Command):
    """Options that no group names come last."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = {
            parameter.name: parameter.get_help_record(ctx)
            for parameter in self.params
            if isinstance(parameter, click.Option)
        }
        shown = {name: record for name, record in records.items() if record is not None}
        for title, names in (*GROUPS, ("Others", tuple(ungrouped(self)))):
            rows = [shown[name] for name in names if name in shown]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def ungrouped(command: click.Command) -> list[str]:
    """Names of the options that no group names."""
    grouped = {name for _, names in GROUPS for name in names}
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    return [str(option.name) for option in options if option.name not in grouped]
