"""`edgeproof board cameras`: what a board can capture from, and in which formats and sizes."""

import json

import click
from rich.padding import Padding
from rich.text import Text

from edgeproof.board.cameras import SCHEMA, Camera, Cameras, read_cameras
from edgeproof.board.open_board import open_board
from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.board import board_argument
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.config.boards import BoardProfile
from edgeproof_agent.machine.camera_formats import FrameSize

_SIZES_SHOWN = 12


@click.command(name="cameras", cls=BoardCommand)
@board_argument
@click.option("--json", "as_json", is_flag=True, help=f"Print JSON (schema {SCHEMA}).")
def command(board: BoardProfile, as_json: bool) -> None:
    """List what BOARD can capture from, each as `--source` takes it, with formats, sizes and frames a second.

    The kernel says which devices bring pictures. Codecs and image processors, which look alike by name, are left out.
    """
    with open_board(board) as opened:
        cameras = read_cameras(opened.store)
    if as_json:
        echo(json.dumps(cameras.to_json(), indent=2, ensure_ascii=False))
        return
    _print(cameras, board.name, Terminal())


def _print(cameras: Cameras, board: str, console: Terminal) -> None:
    for camera in cameras.cameras:
        console.print(Text(camera.source, style="bold"), soft_wrap=True)
        console.print(Padding(Text(f"{camera.name} ({camera.driver}), {camera.node}"), (0, 0, 0, 2), expand=False))
        for line in _formats(camera):
            console.print(Padding(Text(line), (0, 0, 0, 4), expand=False))
    for one in cameras.libcamera:
        console.print(Text(f"picamera:{one.number}", style="bold"))
        console.print(Padding(Text(f"{one.model}, {one.id}"), (0, 0, 0, 2), expand=False))
    for node, group in cameras.unreadable:
        remedy = f": sudo usermod -aG {group} USER there, then log in anew" if group else ""
        console.print(Text(f"{node} may not be opened by this user{remedy}", style="yellow"), soft_wrap=True)
    if not cameras.cameras and not cameras.libcamera:
        console.print(Text(f"{board} has no camera that can be read"))
    if cameras.libcamera_trouble is not None:
        console.print(Text(f"libcamera: not available, {cameras.libcamera_trouble}", style="dim"), soft_wrap=True)


def _formats(camera: Camera) -> list[str]:
    lines = []
    for one in camera.formats:
        sizes = [_size(size) for size in one.sizes[:_SIZES_SHOWN]]
        sizes += [f"and {len(one.sizes) - _SIZES_SHOWN} more"] * (len(one.sizes) > _SIZES_SHOWN)
        lines.append(f"{one.format}: {', '.join(sizes) or 'sizes are not told'}")
    return lines


def _size(size: FrameSize) -> str:
    rates = "/".join(f"{rate:g}" for rate in size.fps)
    return f"{'up to ' * size.any_up_to}{size.width}x{size.height}{f' ({rates} fps)' * bool(rates)}"
