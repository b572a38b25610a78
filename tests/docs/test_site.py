"""The site: built without a warning, no page loads anything from elsewhere, every link leads somewhere."""

import html.parser
import os
import re
import subprocess
import urllib.parse
from pathlib import Path

import pytest

from deploy.manual.hook import with_links_of_the_site
from deploy.manual.man import man_pages
from deploy.manual.messages import messages
from deploy.manual.pages import made_pages
from tests.docs.conftest import Document
from tests.support.places import ROOT


class Links(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.anchors.add(str(given["id"]))
        if tag == "a" and given.get("href"):
            self.targets.append(str(given["href"]))
        if tag in ("img", "script", "iframe", "source") and given.get("src"):
            self.loaded.append(str(given["src"]))
        if tag == "link" and given.get("href") and given.get("rel") != "canonical":
            self.loaded.append(str(given["href"]))


def parsed(path: Path) -> Links:
    links = Links()
    links.feed(path.read_text(encoding="utf-8"))
    return links


def test_every_link_leads_to_a_page_and_a_place_on_it(site: Path) -> None:
    pages = {path: parsed(path) for path in site.rglob("*.html") if path.name != "404.html"}
    assert len(pages) > 90
    for path, links in pages.items():
        for target in links.targets:
            split = urllib.parse.urlsplit(target)
            if split.scheme or target.startswith("//"):
                continue
            to = (path.parent / urllib.parse.unquote(split.path)).resolve() if split.path else path
            assert to.is_file(), f"{path.relative_to(site)}: {target}"
            if split.fragment and to in pages:
                assert urllib.parse.unquote(split.fragment) in pages[to].anchors | {"__skip"}, f"{path}: {target}"


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        for target in parsed(path).loaded:
            assert not re.match(r"(?:https?:)?//", target), f"{path.relative_to(site)}: {target}"
            if path.name != "404.html":
                assert (path.parent / urllib.parse.unquote(urllib.parse.urlsplit(target).path)).is_file(), target


def test_a_page_names_no_path_of_the_machine_that_built_it(site: Path) -> None:
    for path in site.rglob("*.html"):
        assert str(ROOT) not in path.read_text(encoding="utf-8")


def test_links_in_the_repository_lead_to_files(document: Document) -> None:
    """As a forge shows the pages, without the site. Made pages are the site's alone."""
    here = (ROOT / document.name).parent
    for target in re.findall(r"\]\(([^()#\s:]+)(?:#[^()\s]*)?\)", document.text):
        if "generated/" not in target:
            assert (here / target).exists(), target


def test_links_of_the_repository_become_those_of_the_site() -> None:
    page = "reference/power-cuts.md"
    assert with_links_of_the_site("[a](sources.md#x)", page) == "[a](sources.md#x)"
    assert with_links_of_the_site("[law](../../ARCHITECTURE.md)", page) == "[law](../project/architecture.md)"
    assert with_links_of_the_site("[`deploy`](../../deploy)", page) == "`deploy`"
    assert with_links_of_the_site("[parts](../../deploy)", page) == "parts (`deploy`)"
    assert with_links_of_the_site("[lost](nowhere.md)", page) == "[lost](nowhere.md)"
    assert (
        with_links_of_the_site("[m](docs/reference/models.md)", "project/contributing.md")
        == "[m](../reference/models.md)"
    )


def test_made_pages_say_what_the_code_says() -> None:
    pages = made_pages()
    assert "Of a fine" not in pages["generated/commands/push.md"]
    assert "`--canary N\\|N%`" in pages["generated/commands/push.md"]
    assert "| `cool" not in pages["generated/edgeproof-toml.md"]
    assert "| `min_score` | a number from 0 to 1 | `0.5` |" in pages["generated/edgeproof-toml.md"]
    assert "| p99 | 662 |" in pages["generated/gates.md"]
    assert "edgeproof.Board\n" in pages["generated/library.md"]
    assert "| `iou_threshold` |" in pages["generated/bundle-json.md"]
    assert "not_measured" in pages["generated/report-json.md"]


def test_messages_are_found_where_they_are_raised(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        'raise UsageError(f"{name} is " "not here: {x}")\nraise ValueError("not one of ours, really")\n'
    )
    assert messages(tmp_path) == {"UsageError": {"… is not here: {x}"}}


@pytest.mark.parametrize("name", ["edgeproof.1", "edgeproof-check.1", "edgeproof-board-add.1"])
def test_a_man_page_is_shown_without_a_complaint(name: str, tmp_path: Path) -> None:
    page = tmp_path / name
    page.write_text(man_pages()[name], encoding="utf-8")
    try:
        done = subprocess.run(
            ["man", "--warnings=all", "-l", str(page)],
            env={**os.environ, "MANWIDTH": "90", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=60,
        )
    except FileNotFoundError:
        pytest.skip("man is not installed")
    assert done.returncode == 0
    assert "cannot adjust" not in done.stderr
    assert "EXAMPLES" in done.stdout or name == "edgeproof.1"
    assert "edgeproof" in done.stdout
