"""One grammar for board and host; what a report shows of a source has no password in it."""

import pytest

from edgeproof_agent.sources.grammar import Source, SourceKind, SourceNameError, parse_source, without_credentials


@pytest.mark.parametrize(
    ("text", "kind", "place", "live"),
    [
        ("photo.jpg", SourceKind.FILE, "photo.jpg", False),
        ("board:/home/pi/street.mp4", SourceKind.BOARD_FILE, "/home/pi/street.mp4", False),
        ("watch:incoming", SourceKind.WATCH, "incoming", False),
        ("camera:0", SourceKind.CAMERA, "0", True),
        ("camera:usb-046d_HD_Pro-video-index0", SourceKind.CAMERA, "usb-046d_HD_Pro-video-index0", True),
        ("picamera:1", SourceKind.PICAMERA, "1", True),
        ("rtsp://10.0.0.5/main", SourceKind.URL, "rtsp://10.0.0.5/main", True),
        ("HTTP://camera/stream", SourceKind.URL, "HTTP://camera/stream", True),
    ],
)
def test_a_source_is_told_by_its_name_and_shown_by_it(text: str, kind: SourceKind, place: str, live: bool) -> None:
    source = parse_source(text)
    assert source == Source(kind, place)
    assert source.is_live is live
    assert source.shown == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no source"),
        ("camera:", "names no source"),
        ("camera:/dev/video0", "not a path"),
        ("picamera:imx219", "followed by a number"),
        ("picamera:٣", "followed by a number"),
        ("ftp://camera/1", "none of the URLs"),
        ("a\0b", "names no source"),
        ("watch:a\0b", "names no source"),
    ],
)
def test_what_names_none_is_told_with_what_does(text: str, words: str) -> None:
    with pytest.raises(SourceNameError, match=words):
        parse_source(text)


def test_a_password_is_not_shown() -> None:
    assert parse_source("rtsp://admin:s3cret@camera/1").shown == "rtsp://camera/1"
    assert without_credentials("--source=rtsp://admin:a@b@camera/1") != "--source=rtsp://admin:a@b@camera/1"
    with pytest.raises(SourceNameError) as caught:
        parse_source("ftp://admin:s3cret@camera/1")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("text", ["rtsp://a:p@ss@camera/1", "http://u:p%40@[::1]:8000/x", "--source=rtsp://u:p@h/1"])
def test_nothing_of_a_password_is_left(text: str) -> None:
    shown = without_credentials(text)
    assert "@" not in shown
    assert "ss" not in shown.replace("--source", "")


def test_a_mail_address_in_a_path_stays() -> None:
    assert without_credentials("http://host/who@where") == "http://host/who@where"
