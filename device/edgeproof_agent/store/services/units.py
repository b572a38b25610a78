"""The systemd unit that keeps a service running."""

from pathlib import Path

from edgeproof_agent.store.objects import Kind, Store
from edgeproof_agent.store.services.description import USER, ServiceDescription

PACKAGE = "edgeproof_agent"
RESTART_SECONDS = 2
UNFIT_STATUS = 78
"""Exit status of a service whose description is broken: starting it again would not help. EX_CONFIG of sysexits.h."""


def unit_name(app: str) -> str:
    return f"edgeproof-{app}.service"


def service_command(store: Store, description: ServiceDescription) -> list[str]:
    """Runs the service. Nothing of the user's Python settings gets in."""
    agent = store.path(Kind.AGENT, description.agent)
    start = (
        f"import sys; sys.path.insert(0, {str(agent)!r}); from {PACKAGE}.service.__main__ import main; sys.exit(main())"
    )
    python = f"{store.path(Kind.RUNTIME, description.runtime)}/venv/bin/python"
    return [python, "-I", "-B", "-c", start, str(store.root), description.app]


def unit_text(store: Store, description: ServiceDescription, user: str) -> str:
    """`user` is the login user, as whom a unit of the system runs.

    The inference loop gives the signs of life that `WatchdogSec` asks for. A bundle that is not active in time is
    stopped by `TimeoutStartSec`; what is tried next is decided at the next start.
    """
    # systemd itself starts no program whose path has quotes in it.
    words = ["/bin/sh", "-c", 'exec "$0" "$@"', *service_command(store, description)]
    command = " ".join(_quoted(word) for word in words)
    in_user_scope = description.scope == USER
    lines = [
        "# Written by edgeproof service install. It is written anew when the service is installed again.",
        "[Unit]",
        f"Description=edgeproof {description.app}",
        "StartLimitIntervalSec=0",
        *([] if in_user_scope else ["Wants=network-online.target", "After=network-online.target"]),
        "[Service]",
        "Type=notify",
        "NotifyAccess=main",
        f"ExecStart={command}",
        *([] if in_user_scope else [f"User={user}"]),
        f"WatchdogSec={description.watchdog_seconds:g}",
        f"TimeoutStartSec={description.start_seconds:g}",
        "TimeoutStopSec=20",
        "Restart=always",
        f"RestartSec={RESTART_SECONDS}",
        f"RestartPreventExitStatus={UNFIT_STATUS}",
        "[Install]",
        f"WantedBy={'default' if in_user_scope else 'multi-user'}.target",
    ]
    return "\n".join(lines) + "\n"


def _quoted(word: str) -> str:
    """As a word of ExecStart: systemd.service(5), "Command lines". A percent sign would begin a specifier."""
    escaped = word.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{escaped}"'


def unit_folder(home: Path) -> Path:
    """Where a user's own units lie."""
    return home / ".config" / "systemd" / "user"
