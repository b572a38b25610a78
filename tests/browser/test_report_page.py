"""report.html in a real browser, on a phone, a tablet and a desk: nothing is cut off, all of it works by keyboard."""

from collections.abc import Iterator
from typing import Any

import pytest

from edgeproof.report.html import write_html
from tests.support.browser import Browser, Tab, find_browser, running_browser
from tests.support.strained_report import LONG, full_report

WIDTHS = (390, 768, 1061, 1280)
"""A phone, a tablet, the narrowest screen that shows tables as tables, a desk."""

WIDER = """
[...document.querySelectorAll("body *")].filter((item) => {
  const box = item.getBoundingClientRect();
  return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1);
}).map((item) => item.outerHTML.slice(0, 120))
"""

OUTSIDE = """
[...document.querySelectorAll(".card *")].filter((item) => {
  const box = item.getBoundingClientRect();
  const card = item.closest(".card").getBoundingClientRect();
  return box.width > 0 && (box.right > card.right || box.left < card.left);
}).map((item) => item.outerHTML.slice(0, 120))
"""

LOW_CONTRAST = """
(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (channel) => channel <= 10.01 ? channel / 3294.6 : ((channel / 255 + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const behind = (item) => {
    for (let place = item; place; place = place.parentElement) {
      const colour = numbers(getComputedStyle(place).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const low = [];
  let seen = 0;
  for (const item of document.querySelectorAll("body *")) {
    const own = [...item.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || item.closest("script") || !item.getClientRects().length) continue;
    const style = getComputedStyle(item);
    const colour = numbers(item instanceof SVGElement ? style.fill : style.color);
    const pair = [luminance(colour), luminance(behind(item))].sort((one, other) => other - one);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    seen += 1;
    if (ratio < 4.5) low.push([item.outerHTML.slice(0, 100), ratio]);
  }
  return { low, seen };
})()
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium is installed (apt-get install chromium): report.html was not tried in a browser")
    with running_browser(program) as running:
        yield running


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Tab:
    folder = tmp_path_factory.mktemp("page")
    write_html(full_report(folder), folder / "report.html")
    tab = browser.tab()
    tab.show(1280)
    tab.open(folder / "report.html")
    return tab


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen_or_its_card(page: Tab, width: int) -> None:
    page.show(width)
    assert page.value(OUTSIDE) == []
    assert page.value("document.documentElement.scrollWidth") == width
    assert page.value(WIDER) == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_text_can_be_read(page: Tab, width: int, dark: bool) -> None:
    page.show(width, dark=dark)
    found = page.value(LOW_CONTRAST)
    assert found["low"] == []
    assert found["seen"] > 300


def test_dark_is_dark_and_light_is_light(page: Tab) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    page.show(1280, dark=True)
    dark = page.value(background)
    page.show(1280)
    assert (dark, page.value(background)) == ("rgb(18, 22, 27)", "rgb(246, 247, 249)")
    page.show(1280, dark=True, media="print")
    assert page.value(background) == "rgb(255, 255, 255)"


def test_the_slider_moves_the_line_by_keyboard(page: Tab) -> None:
    page.show(1280)
    page.value("document.querySelector('.slider input').focus()")
    line = "parseFloat(getComputedStyle(document.querySelector('.divide')).left)"
    width = page.value("document.querySelector('.frame').clientWidth")
    assert page.value(line) == pytest.approx(width / 2, abs=1)
    for _ in range(10):
        page.press("ArrowRight", 39)
    assert page.value(line) == pytest.approx(width * 0.6, abs=1)
    page.press("Home", 36)
    assert page.value(line) == pytest.approx(0, abs=1)
    assert page.value("getComputedStyle(document.querySelector('.frame .host')).clipPath") == "inset(0px 100% 0px 0px)"
    page.press("End", 35)
    assert page.value(line) == pytest.approx(width, abs=1)


def column(page: Tab, number: int) -> list[str]:
    rows = "[...document.querySelector('table.sortable').tBodies[0].rows].filter((row) => row.cells.length > 1)"
    cells: Any = page.value(f"{rows}.map((row) => row.cells[{number}].textContent.trim())")
    return [str(cell) for cell in cells]


def test_a_table_is_sorted_by_keyboard_as_numbers_both_ways(page: Tab) -> None:
    page.show(1280)
    head = "document.querySelectorAll('table.sortable th')[8]"
    before = column(page, 8)
    page.value(f"{head}.querySelector('button').focus()")
    page.press("Enter", 13)
    rising = column(page, 8)
    assert page.value(f"{head}.getAttribute('aria-sort')") == "ascending"
    assert [float(cell) for cell in rising] == sorted(float(cell) for cell in before)
    assert rising != sorted(before), "as texts they would stand in another order"
    page.press("Enter", 13)
    assert column(page, 8) == rising[::-1]
    assert page.value(f"{head}.getAttribute('aria-sort')") == "descending"
    error = "document.querySelector('tr.belongs').previousElementSibling.cells[3].textContent"
    assert page.value(error) == LONG, "the error stays below its run"
    page.value("document.querySelector('table.sortable th button').click()")
    assert column(page, 0) == ["#1", "#2", "#3", "#4"]


def test_a_phone_shows_cards_that_can_be_sorted(page: Tab) -> None:
    page.show(390)
    label = "getComputedStyle(document.querySelector('table.sortable td.number'), '::before').content"
    assert page.value(label) == '"size"'
    assert page.value("document.querySelector('table.sortable th button').getClientRects().length") == 1
    page.show(1280)
    assert page.value(label) == "none"


def test_the_pictures_are_shown(page: Tab) -> None:
    page.show(1280)
    assert page.value("document.images.length") > 10
    assert page.value("Promise.all([...document.images].map((image) => image.decode())).then(() => 'all')") == "all"


def test_it_prints(page: Tab) -> None:
    data = page.pdf(dark=True)
    assert data.startswith(b"%PDF-")
    page.show(700, media="print")
    assert page.value("document.documentElement.scrollWidth") == 700
    assert page.value("getComputedStyle(document.querySelector('.slider')).display") == "none"
    assert page.value("getComputedStyle(document.querySelector('.frame .host')).clipPath") == "none"


def test_no_script_has_failed_and_no_name_has_run(page: Tab) -> None:
    """Last: over all that the tests before did with the page."""
    assert page.complaints == []
    assert page.value("document.scripts.length") == 1
    page.value("console.log('heard')")
    assert "heard" in page.complaints[0]
    page.complaints.clear()
