"""`edgeproof push` to many boards: in stages, canaries ahead, and stopping by itself."""

import time
from collections.abc import Callable
from pathlib import Path

from rich.text import Text

from edgeproof.board.deploy import cut_bundle, push_bundle, roll_back
from edgeproof.board.open_board import open_board
from edgeproof.board.store.signing import apply_signature_policy, read_public_keys, sign_bundle
from edgeproof.bundle import Bundle
from edgeproof.check.cell import Cell, measure
from edgeproof.check.matrix import Wanted, cells_of
from edgeproof.cli.display.fleet_view import shown_fleet
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.many.fleet_work import EXIT_INTERRUPTED, forks_of, tell
from edgeproof.cli.options.boards import FleetOptions
from edgeproof.cli.options.signing_key import read_signing_key
from edgeproof.cli.push import describe_travel, open_bundle_to_push
from edgeproof.config.boards import BoardProfile
from edgeproof.config.check import CheckConfig, read_check
from edgeproof.errors import UsageError
from edgeproof.fleet.outcome import OK, UNHEALTHY, Done
from edgeproof.fleet.rollout import Share, Stages, roll_back_switched, roll_out
from edgeproof.fleet.rollout_record import RolloutRecord
from edgeproof.fleet.side_by_side import InterruptedWorkError, Job
from edgeproof.record.run import Run
from edgeproof.record.verdict.claims import Answer, combined
from edgeproof.report.verdict import claim_line
from edgeproof.wording.progress import Progress, ProgressListener

_RECORDS = Path("build/fleet")


def run(
    fleet: FleetOptions,
    bundle: Path,
    app: str | None,
    key: Path | None,
    runtime: str | None,
    canary: str | None,
    serial: str | None,
    gates: tuple[str, ...],
    canary_seconds: float | None,
    max_fail: str | None,
    on_fail: str | None,
    resume: bool,
) -> int:
    opened_bundle = open_bundle_to_push(bundle)
    name = opened_bundle.app_name if app is None else app
    stages = Stages(
        *(
            Share.parse(given) if given else kept
            for given, kept in ((canary, Share(0)), (serial, Share(100, True)), (max_fail, Share(0)))
        )
    )
    if canary is None and (gates or canary_seconds is not None):
        raise UsageError("gates are held against canaries: say with --canary how many boards go first.")
    signature = sign_bundle(opened_bundle, read_signing_key(key)) if key is not None else None
    cells = _canary_cells(fleet, stages, opened_bundle, runtime, gates) if canary is not None else {}
    cut_bundle(opened_bundle)
    record = RolloutRecord(_RECORDS / f"rollout-{name}.json", name, opened_bundle.digest, resume)

    def switch(board: BoardProfile, progress: ProgressListener) -> Done:
        trusted = read_public_keys(board.require_signature)
        with open_board(board) as opened:
            apply_signature_policy(opened.store, trusted)
            done = push_bundle(opened, opened_bundle, name, runtime, progress, signature)
        data = {
            "app": done.app,
            "digest": done.sent.digest,
            "before": done.before,
            "changed": done.changed,
            "payload_bytes": done.sent.payload_bytes,
        }
        how = "serves" if done.changed else "served before"
        return Done(f"{how} {done.sent.digest[:8]}, {describe_travel(done.sent)}", data)

    def back(board: BoardProfile, progress: ProgressListener) -> Done:
        with open_board(board) as opened:
            state = opened.store.inventory.apps.get(name)
            if state is None or state.current != opened_bundle.digest:
                return Done("serves something else meanwhile, so it stays", {"changed": False})
            if state.previous is None:
                return Done(f"stays at {opened_bundle.digest[:8]}: it has nothing to go back to", {"changed": True})
            undone = roll_back(opened, name, runtime, progress)
        return Done(f"rolled back to {undone.digest[:8]}", {"app": name, "digest": undone.digest, "changed": False})

    console = Terminal()
    names = [board.name for board in fleet.boards]
    forks = forks_of(fleet)
    try:
        with shown_fleet(names, console) as listen:
            rolled = roll_out(
                fleet.boards,
                stages,
                switch,
                lambda job: _judged(job, cells, canary_seconds or 0.0),
                record,
                forks,
                listen,
            )
    except InterruptedWorkError as interrupt:
        tell(fleet, interrupt.outcomes, console)
        return EXIT_INTERRUPTED
    outcomes = rolled.outcomes
    if rolled.stopped is not None and on_fail == "rollback":
        switched = [
            outcome.board for outcome in outcomes if outcome.done is not None and outcome.done.data.get("changed")
        ]
        with shown_fleet(switched, console) as listen:
            outcomes = roll_back_switched(fleet.boards, rolled, back, forks, listen)
        record.forget(dict.fromkeys(switched))
    status = tell(fleet, outcomes, console)
    if rolled.stopped is not None:
        console.print(Text(f"stopped: {rolled.stopped}", "bold red"), soft_wrap=True)
        if on_fail != "rollback":
            console.print(Text("Once it is mended, --resume goes on; edgeproof rollback undoes it."), soft_wrap=True)
    return status


def _canary_cells(
    fleet: FleetOptions, stages: Stages, bundle: Bundle, runtime: str | None, gates: tuple[str, ...]
) -> dict[str, Cell]:
    """How each canary is measured; none where there are no gates. A mistake in a gate is told ahead of all work."""
    config = (read_check(fleet.config) if fleet.config is not None else None) or CheckConfig()
    if not gates and not config.gates:
        return {}
    canaries = fleet.boards[: stages.canaries.of(len(fleet.boards))]
    wanted = Wanted(canaries, (bundle.path,), gates=gates)
    found: dict[str, Cell] = {}
    for cell in cells_of(config, fleet.config, wanted, ()):
        if runtime in (None, cell.runtime) or cell.runtime is None:
            found.setdefault(cell.board.name, cell)
    return found


def _judged(switch: Job, cells: dict[str, Cell], seconds: float) -> Job:
    """Switches a canary, then measures it until its gates have held for so long, once at the least."""

    def job(board: BoardProfile, progress: ProgressListener) -> Done:
        done = switch(board, progress)
        cell = cells.get(board.name)
        end = time.monotonic() + seconds
        while cell is not None:
            progress(Progress("canary: holding it against its gates"))
            run = measure(cell, progress)
            answer = Answer.INCONCLUSIVE if run.error else combined(claim.answer for claim in run.claims)
            words = f"gates {answer.value}: {_claims(run)}"
            if answer is not Answer.PASS:
                return Done(words, {**done.data, "gates": answer.value}, UNHEALTHY)
            if time.monotonic() >= end:
                return Done(f"{done.words}; {words}", {**done.data, "gates": answer.value}, OK)
        while time.monotonic() < end:
            time.sleep(max(0.0, end - time.monotonic()))
            done = _still_well(switch(board, progress), done)
        return done

    return job


def _still_well(again: Done, first: Done) -> Done:
    """A second push of what is served changes nothing; the first one's word on what changed holds."""
    return Done(first.words, {**first.data, "served_still": not again.data["changed"]})


def _claims(run: Run) -> str:
    if run.error is not None:
        return run.error
    worst: Callable[[Answer], int] = [Answer.FAIL, Answer.INCONCLUSIVE, Answer.PASS].index
    return "; ".join(claim_line(claim) for claim in sorted(run.claims, key=lambda claim: worst(claim.answer)))
