"""report.html: one page that needs nothing else, whatever the names on it."""

import base64
import hashlib
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np

from edgeproof.record.accuracy.precision_recall import PrecisionRecall
from edgeproof.record.pictures import Picture
from edgeproof.record.run import Report, Run
from edgeproof.record.verdict.parity import ParityStage, PictureParity
from edgeproof.report.drawing.embedded_picture import data_uri
from edgeproof.report.html import render_html, write_html
from edgeproof.report.page.figures import distributions, front
from tests.support import sample_report as sample
from tests.support.sample_accuracy import evaluated

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
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    def values(self, tag: str, name: str) -> list[str]:
        return [value for of, attribute, value in self.attributes if (of, attribute) == (tag, name)]


def assert_only_our_script(html: str) -> None:
    """There is one script, and it is the one that the page's policy lets run."""
    assert html.count("<script") == 1
    script = html[html.index("<script>") + len("<script>") : html.index("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in html


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    html = render_html(sample.report(tmp_path))
    page = Page(html)
    assert page.tags["link"] == page.tags["iframe"] == 0
    assert_only_our_script(html)
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


def test_every_run_has_its_timeline_beside_their_distributions_and_no_id_stands_twice(tmp_path: Path) -> None:
    page = Page(render_html(sample.report(tmp_path)))
    labels = Counter(page.values("svg", "aria-label"))
    assert labels == {
        "distribution of total latency, one shape a run": 1,
        "latency against size": 1,
        "latency over time, with temperature and clock": 4,
    }
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
        parity=replace(
            sample.parity(),
            host_runtime=evil,
            pictures=(
                replace(sample.parity().pictures[1], name=evil),
                PictureParity(evil, ParityStage.PIXELS, note=evil),
            ),
        ),
        error=evil,
    )
    html = render_html(Report((run,)))
    page = Page(html)
    assert_only_our_script(html)
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
    assert_only_our_script(html)
    assert "\x1b" not in html


def test_what_was_not_measured_is_on_the_page() -> None:
    run = replace(sample.run(), claims=sample.claims()[:1])
    page = Page(render_html(Report((run,), not_measured=("int8 on <shed>: it does not answer",))))
    assert "not measured: int8 on <shed>: it does not answer" in page.text
    assert page.values("span", "class")[0] == "answer inconclusive"


def test_the_figures_of_a_page_name_their_runs() -> None:
    page = Page(render_html(sample.report()))
    for number in range(1, 5):
        assert page.text.count(f"#{number} pedestrian") == 2, "below the distributions, and above its timeline"


def test_a_limit_is_drawn_at_the_stage_that_its_gate_speaks_of() -> None:
    claim = replace(sample.claims()[0], gate="invoke p95 < 49 ms", limit=49.0)
    page = Page(render_html(Report((replace(sample.run(), claims=(claim,)),))))
    assert "limit 49.0 ms" in page.text
    assert "distribution of invoke latency, one shape a run" in page.values("svg", "aria-label")
    assert "limit" not in Page(render_html(Report((sample.run(),)))).text


def test_runs_beyond_the_sixth_have_a_chart_of_their_own() -> None:
    runs = tuple(sample.run(seed=seed, runs=40) for seed in range(8))
    labels = Page(render_html(Report(runs))).values("svg", "aria-label")
    assert labels.count("distribution of total latency, one shape a run") == 2


def parted(tmp_path: Path, count: int, with_picture: int) -> Report:
    """A run that parts from the host on each of its pictures."""
    jpeg = sample.jpeg()
    worst = sample.parity().pictures[1]
    assert worst.sides is not None
    pictures = tuple(
        replace(
            worst,
            name=f"{number:05}.jpg",
            sides=replace(worst.sides, jpeg=jpeg if number < with_picture else None),
        )
        for number in range(count)
    )
    return Report((replace(sample.run(), parity=replace(sample.parity(), pictures=pictures)),))


def test_a_mismatch_shows_both_machines_boxes_on_the_picture(tmp_path: Path) -> None:
    page = Page(render_html(parted(tmp_path, 3, with_picture=2)))
    assert page.values("img", "alt")[:2] == ["00000.jpg", "00001.jpg"]
    assert len(page.values("input", "type")) == 2
    shown = [value for value in page.values("svg", "class") if value in ("host", "board")]
    assert shown == ["host", "board"] * 2
    boxes = [x for x in page.values("rect", "x") if x in ("12.0", "40.0")]
    assert boxes == ["12.0", "12.0", "12.0", "12.0", "40.0", "40.0"] * 2, "one here, two there, each drawn twice"
    assert page.text.count("host: person 0.90 board: person 0.40, person 0.81") == 2
    assert "3 of 3 pictures" in page.text
    assert "00002.jpg 1 differ, from outputs on person 0.90 person 0.40, person 0.81" in page.text, "as a line"


def test_no_mismatch_is_no_section() -> None:
    parity = replace(sample.parity(), pictures=sample.parity().pictures[:1])
    page = Page(render_html(Report((replace(sample.run(), parity=parity),))))
    assert "Where board and host part" not in page.text
    assert (
        "Where board and host part" in Page(render_html(Report((replace(sample.run(), parity=sample.parity()),)))).text
    )


def test_ten_thousand_pictures_stay_below_five_megabytes(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    photo = cv2.GaussianBlur(noise, (9, 9), 0)
    cv2.imwrite(str(tmp_path / "photo.jpg"), photo)
    report = parted(tmp_path, 10_000, with_picture=40)
    (run,) = report.runs
    assert run.parity is not None
    jpeg = cv2.imencode(".jpg", cv2.resize(photo, (400, 300)))[1].tobytes()
    pictures = tuple(
        replace(item, sides=item.sides and replace(item.sides, jpeg=item.sides.jpeg and jpeg))
        for item in run.parity.pictures
    )
    drawn = replace(sample.pictures()[0], annotated=tmp_path / "photo.jpg")
    many = tuple(replace(drawn, name=f"{number:05}.jpg") for number in range(10_000))
    run = replace(run, pictures=many, parity=replace(run.parity, pictures=pictures))
    html = render_html(Report((run,)))
    assert len(html.encode()) < 5_000_000
    assert 20 < html.count('with detections"') <= 48
    assert html.count('type="range"') > 20
    shown = html.count('type="range"') + html.count('data-label="picture"')
    assert f"{10_000 - shown} more are in report.json" in html


def test_many_runs_with_thousands_of_pictures_stay_below_five_megabytes_too(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "photo.jpg"), noise)
    (run,) = parted(tmp_path, 1000, with_picture=40).runs
    drawn = replace(sample.pictures()[0], annotated=tmp_path / "photo.jpg")
    run = replace(run, pictures=tuple(replace(drawn, name=f"{number:05}.jpg") for number in range(1000)))
    assert len(render_html(Report((run,) * 8)).encode()) < 5_000_000


def test_a_report_without_its_samples_has_its_figures_still() -> None:
    run = sample.run()
    assert run.latency is not None
    page = Page(render_html(Report((replace(run, latency=replace(run.latency, samples_ns={})),))))
    assert page.tags["svg"] == 0
    assert "invoke 85." in page.text
    assert "stage, ms mean min p50" in page.text


def test_precision_and_recall_are_drawn_where_the_record_holds_them() -> None:
    curve = PrecisionRecall("all classes", 0.5, (0.0, 0.5, 1.0), (1.0, 0.9, 0.4))
    evil = replace(curve, label="<b>person</b>")
    runs = (
        replace(sample.run(), precision_recall=(curve, evil)),
        replace(sample.run("float32"), precision_recall=(curve,)),
    )
    page = Page(render_html(Report(runs)))
    assert page.values("svg", "aria-label").count("precision over recall, one line a run") == 2
    assert "all classes, IoU 0.50" in page.text
    assert "<b>person</b>, IoU 0.50" in page.text
    assert "Precision and recall" not in Page(render_html(sample.report())).text
    many = tuple(replace(curve, label=f"class {number}") for number in range(100))
    labels = Page(render_html(Report((replace(sample.run(), precision_recall=many),)))).values("svg", "aria-label")
    assert labels.count("precision over recall, one line a run") == 9


def test_each_stage_that_gates_speak_of_has_a_chart_with_its_own_limits() -> None:
    claims = (
        replace(sample.claims()[0], gate="invoke p95 < 49 ms", limit=49.0),
        replace(sample.claims()[0], gate="total p95 < 80 ms"),
        replace(sample.claims()[0], gate="a gate of another version"),
    )
    first, second = distributions(Report((replace(sample.run(), claims=claims),)))
    assert ("limit 49.0 ms" in first[0], "limit 80.0 ms" in first[0]) == (True, False)
    assert ("limit 49.0 ms" in second[0], "limit 80.0 ms" in second[0]) == (False, True)


def test_the_front_is_of_runs_that_were_measured_alone_by_all_that_they_have() -> None:
    accuracy = evaluated().accuracy
    runs = [replace(sample.run(variant), accuracy=accuracy) for variant in ("int8", "float32", "float16")]
    with_accuracy = front(Report(tuple(runs)))
    assert with_accuracy is not None
    assert (with_accuracy.with_accuracy, "mAP" in with_accuracy.chart, with_accuracy.void) == (True, True, False)
    assert with_accuracy.best == [0], "it is the smallest, and nothing else tells them apart"
    beside = front(Report((runs[0], runs[1], *runs), comparisons=(replace(sample.comparison(), a=0, b=1),)))
    assert beside is not None
    assert set(beside.best) <= {2, 3, 4}
    assert front(Report((runs[0], *runs[1:]), comparisons=(sample.comparison(),))) is None


def test_a_void_latency_decides_nothing_and_the_page_says_so() -> None:
    runs = [sample.run(variant, invoke_ms=invoke) for variant, invoke in (("int8", 50.0), ("float32", 10.0))]
    hot = replace(runs[1], board=sample.board(emulated=True))
    found = front(Report((runs[0], hot)))
    assert found is not None
    assert (found.best, found.void) == ([0], True)
    assert "A latency is void, and does not count." in render_html(Report((runs[0], hot)))


def test_accuracy_is_shown_with_its_intervals_errors_classes_and_references() -> None:
    found = evaluated()
    run = replace(sample.run(), accuracy=found.accuracy, precision_recall=found.curves)
    page = render_html(Report((run, sample.run("float32"))))
    assert "<h2>Accuracy</h2>" in page
    assert f"{found.accuracy.map.low:.3f}..{found.accuracy.map.high:.3f}" in page
    assert (
        "the same mAP as int8 on the host (tflite-runtime 2.14.0); on other pictures up to 0.0330 either way." in page
    )
    assert "Classes that the model does not know are left out: hexagon." in page
    assert page.count('data-label="nothing there"') == 1
    for one in found.accuracy.classes:
        assert f'data-label="class" class="short">{one.label}</td>' in page
    assert "<h2>Accuracy</h2>" not in render_html(Report((sample.run(),)))
