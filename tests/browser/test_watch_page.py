"""The live page in a real browser, on a phone and a desk, dark and light: it moves, fits, can be read, runs no name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeproof.watch.live_state import LiveState
from edgeproof.watch.page_server import PageServer
from tests.support.browser import Tab, find_browser, running_browser
from tests.support.live_frames import TOLD, show

EVIL = "<img src=x onerror=console.log(1)>" * 4
UNTIL = """
new Promise((done, failed) => {{
  const started = Date.now();
  const late = () => Date.now() - started > 20000;
  const look = () => ({condition}) ? done(true) : late() ? failed(new Error("in vain")) : setTimeout(look, 20);
  look();
}})
"""
WIDER = """
[...document.querySelectorAll("body *")].filter((item) => {
  const box = item.getBoundingClientRect();
  return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1);
}).map((item) => item.outerHTML.slice(0, 120))
"""
PIXEL = "[...document.getElementById('picture').getContext('2d').getImageData({x}, {y}, 1, 1).data]"


@pytest.fixture(scope="module")
def state() -> LiveState:
    state = LiveState(f"rtsp://camera/{'long' * 30}", "pi", 0.2)
    state.running("people int8")
    state.opened(TOLD)
    for index in range(60):
        show(state, index)
    state.word("the source is lost: its stream ended; it is opened again in 0.5 s")
    return state


@pytest.fixture(scope="module")
def page(state: LiveState) -> Iterator[Tab]:
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium is installed (apt-get install chromium): the live page was not tried in a browser")
    with PageServer(state) as server, running_browser(program) as browser:
        tab = browser.tab()
        tab.show(1280)
        tab.visit(server.url)
        wait(tab, "document.getElementById('picture').dataset.number")
        yield tab


def wait(page: Tab, condition: str) -> None:
    assert page.value(UNTIL.format(condition=condition))


def text(page: Tab, place: str) -> str:
    return str(page.value(f"document.getElementById('{place}').innerText.replace(/\\s+/g, ' ')"))


def test_everything_is_shown(page: Tab) -> None:
    assert text(page, "about") == "people int8 on pi · MJPG · 320 x 240 · 30 frames a second"
    figures = text(page, "figures")
    for words in ("temperature 51 °C", "clock 1500 MHz", "age p50 / p95, ms 45.0 / 45.0", "dropped 2", "opened anew 0"):
        assert words in figures
    assert "invoke 10.0 12.0" in text(page, "stages")
    assert text(page, "found") == "person 1 cup 1"
    assert "its stream ended" in text(page, "words")


def test_the_picture_has_its_boxes(page: Tab) -> None:
    """The first box reaches from (80, 60) to (160, 180); within it and outside of it is the picture."""
    inside, outside, edge = (page.value(PIXEL.format(x=x, y=y)) for x, y in ((120, 120), (20, 200), (80, 140)))
    assert inside == outside == [60, 60, 60, 255]
    assert edge != inside
    assert "person 0.91, cup 0.72" in page.value("document.getElementById('picture').getAttribute('aria-label')")


def test_it_moves_with_what_comes(page: Tab, state: LiveState) -> None:
    show(state, 60, shade=200)
    wait(page, "document.getElementById('picture').getContext('2d').getImageData(20, 200, 1, 1).data[0] > 190")
    state.word("the source is lost: no frame came for 10 s")
    wait(page, "document.getElementById('words').innerText.includes('no frame came for 10 s')")
    painted = "[...document.getElementById('course').getContext('2d').getImageData(0, 0, 600, 120).data].some((v) => v)"
    assert page.value(painted)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 820, 1280])
def test_nothing_is_wider_than_the_screen(page: Tab, width: int, dark: bool, tmp_path: Path) -> None:
    page.show(width, dark=dark)
    assert page.value("document.documentElement.scrollWidth") == width
    assert page.value(WIDER) == []
    background = page.value("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(18, 22, 27)" if dark else "rgb(246, 247, 249)")
    columns = page.value("getComputedStyle(document.querySelector('.columns')).gridTemplateColumns.split(' ').length")
    assert columns == (2 if width > 820 else 1)


def test_no_name_runs_and_the_end_is_said(page: Tab, state: LiveState) -> None:
    """Last: over all that the tests before did with the page."""
    show(state, 61, labels=(EVIL, "cup"))
    state.word(EVIL)
    wait(page, "document.getElementById('found').innerText.includes('<img')")
    assert page.value("document.images.length") == 0
    assert page.value("document.documentElement.scrollWidth") == page.value("innerWidth")
    state.end()
    wait(page, "document.getElementById('status').innerText === 'The stream has ended.'")
    # The tests read the picture's pixels, of which the browser says that it takes long.
    assert [words for words in page.complaints if "willReadFrequently" not in words] == []
