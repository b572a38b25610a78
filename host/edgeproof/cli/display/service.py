"""How a board's services are, in words."""

import time

from edgeproof.board.open_board import OpenBoard
from edgeproof.board.service import ServiceStatus, service_events, service_status
from edgeproof.cli.display.echo import echo
from edgeproof.errors import DeploymentError, UsageError

_LOOK_SECONDS = 0.5
_FAILURES = ("failed", "back")


def only_service(board: OpenBoard, app: str | None) -> str:
    """The named service, or the only one. Raises `UsageError`."""
    if app is not None:
        return app
    names = [service.app for service in service_status(board)]
    if len(names) == 1:
        return names[0]
    has = f"several services: {', '.join(names)}. Name one with --app" if names else "no service"
    raise UsageError(f"{board.name} has {has}.")


def describe_status(service: ServiceStatus) -> list[str]:
    """A heading and what is to be known below it."""
    state = service.state
    words = "/".join(word for word in (state.get("ActiveState", "unknown"), state.get("SubState", "")) if word)
    lines = [f"{service.app}: {words}, {service.source}"]
    if state.get("StatusText"):
        lines.append(f"  {state['StatusText']}")
    if not service.active and state.get("Result", "success") != "success":
        lines.append(f"  it ended by {state['Result']}")
    lines.append(f"  {_boot_words(service)}; started again {state.get('NRestarts', '?')} times")
    if service.current is None:
        lines.append("  the app points at no bundle")
    else:
        tries = f"on trial, try {service.tries}" if service.on_trial else "healthy"
        lines.append(f"  bundle {service.current[:12]}: {tries}")
    if service.rejected is not None:
        lines.append(f"  bundle {service.rejected.digest[:12]} was given up: {service.rejected.words}")
    if service.log is not None:
        held = (service.log.end - service.log.first) / 1e6
        gone = f", {service.log.first / 1e6:.1f} MB before that are gone" if service.log.first else ""
        lines.append(f"  {held:.1f} MB of detections on the board{gone}")
    return lines


def echo_when_active(board: OpenBoard, app: str, seconds: float) -> None:
    """Waits until the service is active; raises `DeploymentError` with its last words when it is not."""
    end = time.monotonic() + seconds + _LOOK_SECONDS
    while True:
        (status,) = service_status(board, app)
        if status.active:
            break
        restarts = int(status.state.get("NRestarts", "0") or 0)
        if time.monotonic() > end or restarts or status.state.get("ActiveState") == "failed":
            events, _ = service_events(board, app, 10)
            last = next((event["text"] for event in reversed(events) if event["event"] in _FAILURES), "")
            told = last or status.state.get("StatusText") or "it has said nothing"
            raise DeploymentError(
                f"{app} on {board.name} is not active: {told}\nIt is tried again and again. More: edgeproof service "
                f"logs {board.name} --app {app}"
            )
        time.sleep(_LOOK_SECONDS)
    for line in describe_status(status):
        echo(line)


def _boot_words(service: ServiceStatus) -> str:
    if service.state.get("UnitFileState") != "enabled":
        return "not started with the board"
    if not service.lingers:
        return "ENDS WITH THE LAST LOGIN: run loginctl enable-linger on the board"
    return "starts with the board"
