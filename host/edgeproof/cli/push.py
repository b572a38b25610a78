"""`edgeproof push`: puts a bundle on a board."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeproof.board.open_board import open_board
from edgeproof.board.store.signing import apply_signature_policy, read_public_keys, sign_bundle
from edgeproof.bundle import Bundle, open_bundle
from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.light_progress import is_drawn, light_progress
from edgeproof.cli.options.board import runtime_option
from edgeproof.cli.options.boards import one_or_many
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.late_imports import importing
from edgeproof.cli.options.model_name import ask_for_name
from edgeproof.cli.options.paths import PATH
from edgeproof.cli.options.rollout import ROLLOUT_OPTIONS, rollout_options
from edgeproof.cli.options.signing_key import read_signing_key
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import UsageError
from edgeproof.wording.model_names import says_nothing
from edgeproof_agent.bundle.manifest import MANIFEST_FILE

if TYPE_CHECKING:
    from edgeproof.board.deploy import Deployment
    from edgeproof.board.store.local_objects import SentObject


@click.command(name="push", cls=BoardCommand)
@one_or_many("push", for_many=ROLLOUT_OPTIONS)
@click.argument("bundle", type=PATH)
@click.option("--app", metavar="NAME", help="App to switch to the bundle.  [default: the model's name]")
@click.option(
    "--sign",
    "key",
    type=PATH,
    metavar="KEY",
    help="Sign the bundle with this OpenSSH ed25519 private key, for a board that asks for signatures.",
)
@runtime_option
@rollout_options
def command(board: BoardProfile, bundle: Path, app: str | None, key: Path | None, runtime: str | None) -> None:
    """Put BUNDLE on BOARD, run it there once, and switch the app to it if that went well.

    Of a bundle that is much like one on the board only what differs travels; a push that was cut is continued.
    """
    opened_bundle = open_bundle_to_push(bundle)
    if app is None and says_nothing(opened_bundle.manifest.name):
        app = ask_for_name(opened_bundle.app_name)
    signature = sign_bundle(opened_bundle, read_signing_key(key)) if key is not None else None
    trusted = read_public_keys(board.require_signature)

    def prepare() -> None:
        importing("board.deploy", *(["cli.display.terminal", "cli.display.progress"] if is_drawn() else []))()
        from edgeproof.board.deploy import cut_bundle

        cut_bundle(opened_bundle)

    with open_board(board, prepare) as opened:
        from edgeproof.board.deploy import push_bundle

        with light_progress() as progress:
            apply_signature_policy(opened.store, trusted)
            name = opened_bundle.app_name if app is None else app
            deployment = push_bundle(opened, opened_bundle, name, runtime, progress, signature)
    echo(describe_deployment(deployment, board.name))


def open_bundle_to_push(bundle: Path) -> Bundle:
    """The bundle of a folder. Raises `UsageError` for what lies beside or above one, `BundleError`."""
    inside = sorted(path.parent for path in bundle.glob(f"*/{MANIFEST_FILE}"))
    if inside and not (bundle / MANIFEST_FILE).exists():
        raise UsageError(f"{bundle} holds {len(inside)} bundles. Name one: {', '.join(map(str, inside))}")
    if bundle.is_file():
        there = f": {bundle.parent}" if (bundle.parent / MANIFEST_FILE).exists() else ""
        raise UsageError(f"{bundle} is a file, and a bundle is a folder with {MANIFEST_FILE}. Name the folder{there}")
    return open_bundle(bundle)


def describe_deployment(deployment: "Deployment", board: str) -> str:
    """What travelled, and what the app points at now."""
    sent = deployment.sent
    if not deployment.changed:
        now = f"serves {sent.digest[:12]} as before"
    elif deployment.before is None:
        now = f"serves {sent.digest[:12]} now, its first bundle"
    else:
        now = f"serves {sent.digest[:12]} now, before {deployment.before[:12]}"
    return f"{deployment.app} on {board} {now} ({describe_travel(sent)})"


def describe_travel(sent: "SentObject") -> str:
    """How much of an object went over the wire."""
    if not sent.payload_bytes:
        return "nothing sent, the board had it"
    return f"{sent.payload_bytes / 1e6:.2f} of {sent.total_bytes / 1e6:.2f} MB sent"
