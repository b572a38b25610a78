"""Every page that is made and not written, by its place in the site."""

import contextlib
import io
from pathlib import Path

from deploy.manual import command_line, exit_statuses, gates, library, messages, schemas, settings
from examples import agent_start

ROOT = Path(__file__).parents[2]
PROJECT_PAGES = {
    "project/contributing.md": "CONTRIBUTING.md",
    "project/architecture.md": "ARCHITECTURE.md",
    "project/security.md": "SECURITY.md",
    "project/changelog.md": "CHANGELOG.md",
}
"""Pages that the repository keeps where people look for them."""


def _sizes_of_the_start() -> str:
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        agent_start.main()
    return f"```text\n{told.getvalue().rstrip()}\n```"


MADE_PARTS = {"<!-- sizes -->": _sizes_of_the_start}
"""What a written page leaves to be filled in, by its mark."""


def made_pages() -> dict[str, str]:
    """Place in the site to Markdown."""
    return {
        **command_line.pages(),
        "generated/edgeproof-toml.md": settings.page(),
        "generated/gates.md": gates.page(),
        "generated/bundle-json.md": schemas.bundle_page(ROOT),
        "generated/report-json.md": schemas.report_page(ROOT),
        "generated/library.md": library.page(),
        "generated/exit-statuses.md": exit_statuses.page(),
        "generated/messages.md": messages.page(ROOT),
        **{place: (ROOT / name).read_text(encoding="utf-8") for place, name in PROJECT_PAGES.items()},
    }
