"""report.html: one page that needs nothing else, whatever the names on it."""

import base64
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeproof.record.pictures import Picture
from edgeproof.record.run import Report, Run
from edgeproof.report.embedded_picture import data_uri
from edgeproof.report.histogram import latency_svg
from edgeproof.report.html import render_html, write_html
from edgeproof.verify.latency import summarize
from tests.support import sample_report as sample

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Tags, attributes and text of a page; fails on one that does not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    def values(self, tag: str, name: str) -> list[str]:
        return [value for of, attribute, value in self.attributes if (of, attribute) == (tag, name)]


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    html = render_html(sample.report(tmp_path))
    page = Page(html)
    assert page.tags["script"] == page.tags["link"] == page.tags["iframe"] == 0
    assert all(value.startswith("data:image/jpeg;base64,") for value in page.values("img", "src"))
    assert all(value.startswith("#") for _, name, value in page.attributes if name == "href")
    assert "url(http" not in html
    assert "@import" not in html
    assert str(tmp_path) not in html


def test_each_picture_stands_in_each_run(tmp_path: Path) -> None:
    page = Page(render_html(sample.report(tmp_path)))
    assert page.tags["img"] == 3 * 4
    assert page.text.count("person 0.90, person 0.71") == 4
    assert page.text.count("it is broken or not a picture") == 4


def test_an_embedded_picture_shows_the_boxes_that_were_drawn(tmp_path: Path) -> None:
    page = Page(render_html(Report((sample.run(folder=tmp_path),))))
    data = base64.b64decode(page.values("img", "src")[0].partition(",")[2])
    shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    drawn = cv2.imread(str(tmp_path / "astronaut.png.jpg"))
    assert shown.shape == drawn.shape
    assert np.abs(shown.astype(int) - drawn).mean() < 5
    assert np.abs(shown.astype(int) - sample.gradient(96, 128)).mean() > 20


def test_the_table_holds_each_run_s_figures() -> None:
    page = Page(render_html(sample.report()))
    assert "demo tflite-runtime 2.14.0 float32 12.20 MB 123 46.0 48.4 53.7 52.7..62.7 112 4 (1 failed)" in page.text


def test_every_run_has_its_histogram_and_no_id_stands_twice(tmp_path: Path) -> None:
    page = Page(render_html(sample.report(tmp_path)))
    assert page.tags["svg"] == 4
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for reference in (value for _, name, value in page.attributes if name == "href"):
        assert reference.removeprefix("#") in ids


def test_bundle_and_provenance_are_named_once_a_bundle() -> None:
    page = Page(render_html(sample.report()))
    assert page.text.count("a8" * 32) == 1
    assert page.text.count("source.sha256 " + "5e" * 32) == 2
    assert "tools.tensorflow 2.21.0" in page.text


def test_the_board_s_state_is_shown_before_and_after() -> None:
    text = Page(render_html(Report((sample.run(),)))).text
    assert "51.2 °C → 58.9 °C 1500 MHz ondemand since boot: under-voltage, throttled 0.42 3120 MiB" in text


def test_a_missing_percentile_has_its_reason() -> None:
    text = Page(render_html(Report((sample.run(runs=20),)))).text
    assert "- p90 needs at least 64 samples for 99 % confidence, there are 20" in text
    assert "Drift is unknown" in text


def test_an_emulated_board_is_marked() -> None:
    emulated = Page(render_html(Report((replace(sample.run(), board=sample.board(emulated=True)),)))).text
    assert "emulated Its latency says nothing about real hardware." in emulated
    assert "emulated" not in Page(render_html(sample.report())).text


def test_hostile_names_are_text() -> None:
    evil = '<script>alert("x")</script>'
    run = replace(
        sample.run(),
        board=replace(sample.board(), name=evil, machine=evil, os=f'"{evil}'),
        bundle=replace(sample.bundle(), name=evil, provenance={evil: evil}),
        pictures=(Picture(evil, 10, 10, (sample.person(label=evil),)), Picture("b", 0, 0, error=evil)),
        stream=replace(sample.stream(), source=evil),
        error=evil,
    )
    page = Page(render_html(Report((run,))))
    assert page.tags["script"] == 0
    assert f"{evil} 0.90" in page.text
    assert page.text.count(evil) >= 8


def test_a_video_has_its_frames_with_their_times(tmp_path: Path) -> None:
    page = Page(render_html(Report((replace(sample.run(), pictures=(), stream=sample.stream(tmp_path)),))))
    assert page.tags["img"] == 3
    assert "bikes.mp4: 95 frames at 19.0 a second, detections on 61." in page.text
    assert "0.00 s person 0.90 1.20 s person 0.90 2.40 s person 0.90" in page.text


def test_what_was_not_done_has_no_section() -> None:
    page = Page(render_html(Report((Run(sample.bundle(), sample.board(), sample.RUNTIMES[0]),))))
    assert [title for title in ("Pictures", "Latency", "Video", "before and after") if title in page.text] == []


def test_a_picture_file_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    report = Report((sample.run(folder=tmp_path),))
    (tmp_path / "camera.png.jpg").unlink()
    page = Page(render_html(report))
    assert page.tags["img"] == 2
    assert page.text.count("(the picture cannot be read)") == 1


def test_a_data_set_s_thousands_of_pictures_are_cut_short_and_counted(tmp_path: Path) -> None:
    (first, *_) = sample.pictures(tmp_path)
    many = tuple(replace(first, name=f"{number}.jpg") for number in range(100))
    page = Page(
        render_html(Report((replace(sample.run(), pictures=many), replace(sample.run("float32"), pictures=many))))
    )
    assert page.tags["img"] == 48
    assert "76 more pictures are not shown here" in page.text


def test_large_pictures_are_shrunk_and_small_ones_left(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (900, 1600, 3), dtype=np.uint8)
    for name, size in {"wide": (1600, 900), "tall": (100, 3000), "small": (64, 48)}.items():
        cv2.imwrite(str(tmp_path / f"{name}.png"), cv2.resize(noise, size))

    def embedded(name: str) -> tuple[int, ...]:
        uri = data_uri(tmp_path / f"{name}.png", 640)
        assert uri is not None
        data = np.frombuffer(base64.b64decode(uri.partition(",")[2]), np.uint8)
        return tuple(cv2.imdecode(data, cv2.IMREAD_COLOR).shape[:2])

    assert (embedded("wide"), embedded("tall"), embedded("small")) == ((360, 640), (1280, 43), (48, 64))


def test_a_file_that_is_no_picture_is_not_embedded(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"not a picture")
    assert data_uri(tmp_path / "a.jpg", 640) is None
    assert data_uri(tmp_path / "missing.jpg", 640) is None


def test_the_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    report = sample.report(tmp_path)
    write_html(report, tmp_path / "one.html")
    write_html(report, tmp_path / "two.html")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


@pytest.mark.parametrize("runs", [1, 2, 63, 1000])
def test_a_histogram_takes_any_number_of_samples(runs: int) -> None:
    samples = np.arange(1, runs + 1, dtype=np.int64) * 1000
    svg = latency_svg(samples, summarize(samples), "invoke", "a")
    assert svg.startswith('<svg viewBox="')
    assert ("p50" in svg, "p90" in svg, "p99" in svg) == (runs >= 11, runs >= 64, runs >= 662)


def test_samples_far_out_are_counted_instead_of_drawn() -> None:
    samples = np.append(np.full(99, 10_000_000), 900_000_000).astype(np.int64)
    assert "1 beyond 15.0, up to 900" in latency_svg(samples, summarize(samples), "invoke", "a")


def test_equal_samples_have_a_histogram_too() -> None:
    for value in (0, 5_000_000):
        samples = np.full(70, value, np.int64)
        assert "samples" in latency_svg(samples, summarize(samples), "invoke", "a")


def test_a_chart_takes_its_colours_from_the_page() -> None:
    samples = np.arange(1, 101, dtype=np.int64)
    svg = latency_svg(samples, summarize(samples), "invoke", "a")
    assert "var(--bar)" in svg
    assert re.findall(r"#[0-9a-f]{6}", svg) == []
    assert "font-family" not in svg


def test_the_verdict_stands_first_with_a_line_a_gate() -> None:
    run = replace(sample.run(), claims=sample.claims(), parity=sample.parity())
    page = Page(render_html(Report((run,))))
    assert page.text.startswith("edgeproof report : fail") or "edgeproof report: fail" in page.text
    answers = [value.split()[1] for value in page.values("span", "class") if value.startswith("answer ")]
    assert answers[0] == "fail", "the report's own"
    assert answers[1:] == [claim.answer.value for claim in sample.claims()]
    assert "total p95 < 80 ms: 56.1 ms, 55.2 to 57.9, of 200" in page.text
    assert "accuracy was not measured" in page.text
    assert "2 of 3 confident detections the same on 3 pictures" in page.text


def test_a_report_without_gates_has_no_verdict() -> None:
    page = Page(render_html(Report((sample.run(),))))
    assert not any(value.startswith("answer") for value in page.values("span", "class"))


def test_a_gates_words_are_text_and_nothing_else() -> None:
    evil = "<script>alert(1)</script>\x1b[31m"
    claim = replace(sample.claims()[0], gate=evil, note=evil)
    html = render_html(Report((replace(sample.run(), claims=(claim,)),)))
    assert "<script" not in html
    assert "\x1b" not in html


def test_what_was_not_measured_is_on_the_page() -> None:
    run = replace(sample.run(), claims=sample.claims()[:1])
    page = Page(render_html(Report((run,), not_measured=("int8 on <shed>: it does not answer",))))
    assert "not measured: int8 on <shed>: it does not answer" in page.text
    assert page.values("span", "class")[0] == "answer inconclusive"
