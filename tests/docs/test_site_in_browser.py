"""The site in Chromium, opened from files: search finds, dark is dark, and no page is wider than a phone."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser import Browser, find_browser, running_browser

PAGES = ("index.html", "generated/commands/check.html", "how-to/export-your-model.html", "generated/library.html")
TYPE = """
(() => {
  const field = document.querySelector(".md-search__input");
  field.focus();
  field.value = "boards without internet";
  field.dispatchEvent(new KeyboardEvent("keyup", {key: "t", bubbles: true}));
})()
"""
FOUND = "[...document.querySelectorAll('.md-search-result__link')].map((item) => item.href).join(' ')"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium is installed (apt-get install chromium): the site was not opened")
    with running_browser(program) as running:
        yield running


def test_search_finds_a_page_without_a_server(browser: Browser, site: Path) -> None:
    tab = browser.tab()
    tab.show(1280)
    tab.open(site / "index.html")
    deadline = time.monotonic() + 60
    found = ""
    while "boards-without-internet.html" not in found:
        assert time.monotonic() < deadline, f"found {found or 'nothing'}; {tab.complaints}"
        tab.value(TYPE)
        found = tab.value(FOUND)
        time.sleep(0.2)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_no_wider_than_a_phone(page: str, browser: Browser, site: Path) -> None:
    tab = browser.tab()
    tab.show(390, height=844)
    tab.open(site / page)
    assert tab.value("document.documentElement.scrollWidth") <= 390


def test_dark_is_dark_and_light_is_light(browser: Browser, site: Path) -> None:
    tab = browser.tab()
    shown = {}
    for dark in (True, False):
        tab.show(1280, dark=dark)
        tab.open(site / "index.html")
        tab.value("localStorage.clear()")
        tab.open(site / "index.html")
        shown[dark] = tab.value("document.body.getAttribute('data-md-color-scheme')")
    assert shown == {True: "slate", False: "default"}
