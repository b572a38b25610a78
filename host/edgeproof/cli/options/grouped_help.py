"""The help of commands: options in groups, those of every day first, and what a command is typed like at the end."""

from collections.abc import Sequence

import click

from edgeproof.cli.options.examples import examples_of

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
"""Of the commands that read a model: titles, and the names of the parameters below each. Groups of which a command has
none are left out."""

GROUPS_OF_BOARDS: Sequence[_Group] = (
    (
        "A camera's picture",
        ("size", "fps", "pixel_format", "rotate", "flip", "no_overlap"),
    ),
    (
        "How the board runs it",
        ("runtime", "threads", "cores", "delegate", "wait", "cool_down", "warmup"),
    ),
    (
        "Stages of a rollout",
        ("canary", "serial", "gates", "canary_seconds", "max_fail", "on_fail", "resume"),
    ),
    (
        "Many boards",
        ("any_of", "limit", "exclude", "inventories", "forks", "retry_file", "results", "on"),
    ),
    (
        "Reports for other programs",
        ("metrics", "badge", "mlflow", "allow_inconclusive", "as_json"),
    ),
)
"""Of all other commands. What no group names stands ahead of them, under `Options`."""

_EVERY_DAY = "Options"
_STAGED = "canary"
"""Where this is a parameter, gates are those of a rollout."""


class GroupedCommand(click.Command):
    """Of a command that reads a model, options that no group names come last."""

    groups: Sequence[_Group] = GROUPS
    rest = "Others"

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, rows in in_groups(self, ctx):
            with formatter.section(title):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        lines = examples_of(ctx.command_path.partition(" ")[2])
        if lines:
            with formatter.section("Examples"):
                for line in lines:
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


class BoardCommand(GroupedCommand):
    """Of a command on a board, options that no group names are those of every day."""

    groups = GROUPS_OF_BOARDS
    rest = _EVERY_DAY


def in_groups(command: click.Command, ctx: click.Context) -> list[tuple[str, list[tuple[str, str]]]]:
    """Each group of a command's options that has any: its title, and what is said of each option."""
    shown = {
        str(parameter.name): record
        for parameter in command.get_params(ctx)
        if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)) is not None
    }
    if not isinstance(command, GroupedCommand):
        return [(_EVERY_DAY, list(shown.values()))]
    help_names = [str(option.name) for option in command.params if isinstance(option, click.Option)]
    own = {name: record for name, record in shown.items() if name in help_names}
    others = (command.rest, tuple(ungrouped(command)))
    groups = [others, *command.groups] if command.rest == _EVERY_DAY else [*command.groups, others]
    if _STAGED not in own:
        groups = [(title, names) for title, names in groups if _STAGED not in names]
    titled = [(title, [own[name] for name in names if name in own]) for title, names in groups]
    return [(title, rows) for title, rows in titled if rows]


def ungrouped(command: GroupedCommand) -> list[str]:
    """Names of the options that no group names."""
    options = [str(parameter.name) for parameter in command.params if isinstance(parameter, click.Option)]
    grouped = {name for _, names in command.groups for name in names if _STAGED not in names or _STAGED in options}
    return [name for name in options if name not in grouped]
