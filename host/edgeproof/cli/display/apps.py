"""The apps of a board as a table."""

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from edgeproof.board.store.status import AppStatus, ServedBundle
from edgeproof.wording.counting import counted

_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60))


def apps_table(apps: Mapping[str, AppStatus]) -> Table:
    """A row for what each app serves, and one for what it served before."""
    table = Table("app", "", "model", "variant", "digest", "MB", "switched", box=None, pad_edge=False)
    for name, links in apps.items():
        table.add_row(Text(name, style="bold"), "current", *_cells(links.current))
        if links.previous is not None:
            table.add_row("", "previous", *_cells(links.previous))
    return table


def describe_age(seconds: float) -> str:
    """`3 hours ago`, in the largest unit that fits."""
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{counted(int(seconds // size), unit)} ago"
    return "just now"


def _cells(bundle: ServedBundle | None) -> list[Text]:
    if bundle is None:
        return [Text("none")]
    signature = " (has a signature)" if bundle.has_signature else ""
    texts = (bundle.name, bundle.variant, bundle.digest[:12] + signature, f"{bundle.disk_bytes / 1e6:.2f}")
    return [Text(text) for text in (*texts, describe_age(bundle.age_seconds))]
