"""The live page is for who knows its token, on this machine, and for no other site's scripts."""

import http.client
import json
import socket
from collections.abc import Iterator

import pytest

from edgeproof.watch.live_state import LiveState
from edgeproof.watch.page_server import PageServer
from tests.support.live_frames import TOLD, show


@pytest.fixture(scope="module")
def server() -> Iterator[PageServer]:
    state = LiveState("camera:0", "pi", 0.2)
    state.running("people int8")
    state.opened(TOLD)
    show(state, 0, labels=("<script>evil()</script>", "cup"))
    with PageServer(state) as running:
        yield running


def asked(server: PageServer, path: str, **headers: str) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.putrequest("GET", path, skip_host=True)
    for name, value in {"Host": f"127.0.0.1:{server.port}", **headers}.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, data, answer.headers


def test_page_state_and_picture_are_served_to_who_knows_the_token(server: PageServer) -> None:
    assert server.url == f"http://127.0.0.1:{server.port}/{server.token}/"
    assert len(server.token) >= 32
    status, page, headers = asked(server, f"/{server.token}/")
    assert status == 200
    assert b"<canvas" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    status, data, _ = asked(server, f"/{server.token}/state?after=0")
    assert status == 200
    state = json.loads(data)
    assert state["frames"] == 1
    assert state["picture_detections"][0]["bbox"] == [80.0, 60.0, 80.0, 120.0]
    status, picture, headers = asked(server, f"/{server.token}/picture?1")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert picture.startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize("name", ["", "state", "picture"])
def test_whoever_does_not_know_the_token_gets_nothing(server: PageServer, name: str) -> None:
    for token in ("", "a" * 32, server.token[:-1], server.token + "a", server.token.swapcase(), "%00", "%C3%A9"):
        status, data, _ = asked(server, f"/{token}/{name}")
        assert status == 404
        assert data == b"Not Found\n"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:{port}"},
        {"Host": "127.0.0.1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=str,
)
def test_another_name_and_another_sites_script_are_refused(server: PageServer, headers: dict[str, str]) -> None:
    told = {name: value.format(port=server.port) for name, value in headers.items()}
    for name in ("", "state", "picture"):
        assert asked(server, f"/{server.token}/{name}", **told)[0] == 403


def test_its_own_script_and_localhost_are_let_in(server: PageServer) -> None:
    own = f"http://127.0.0.1:{server.port}"
    assert asked(server, f"/{server.token}/state", Origin=own, Sec_Fetch_Site="same-origin")[0] == 200
    assert asked(server, f"/{server.token}/", Host=f"localhost:{server.port}")[0] == 200


def test_it_listens_on_the_loopback_alone(server: PageServer) -> None:
    with socket.socket() as other:
        other.settimeout(5)
        # All of 127/8 is this machine: a server on every interface would answer here, too.
        assert other.connect_ex(("127.0.0.2", server.port)) != 0


@pytest.mark.parametrize("query", ["", "after=", "after=-5", "after=x", "after=" + "9" * 400, "after=%D9%A3"])
def test_any_question_is_answered(server: PageServer, query: str) -> None:
    assert asked(server, f"/{server.token}/state?{query}")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_there_is_nothing_but_to_look(server: PageServer, method: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request(method, f"/{server.token}/state")
    assert connection.getresponse().status == 501
    connection.close()
