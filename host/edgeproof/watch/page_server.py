"""The live page on this machine's loopback: for who knows the token in its address, and for no other site's scripts."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any
from urllib.parse import parse_qs, urlsplit

from edgeproof.watch.live_state import LiveState

HOST = "127.0.0.1"
_WAIT_SECONDS = 5.0
_MAX_NUMBER = 1 << 53
_MOST_AT_ONCE = 32
"""Requests that are answered at a time."""


def _part(name: str) -> str:
    return (resources.files("edgeproof.watch.page") / name).read_text("utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


class PageServer:
    """Serves one stream's page while its context lasts."""

    def __init__(self, state: LiveState, port: int = 0) -> None:
        """Raises OSError when the port is taken."""
        self.token = secrets.token_urlsafe(24)
        style, script = _part("watch.css"), _part("watch.js")
        self.page = _part("watch.html").replace("/*STYLE*/", style).replace("/*SCRIPT*/", script).encode()
        self.policy = (
            f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
            "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        self.state = state
        self.places = threading.BoundedSemaphore(_MOST_AT_ONCE)
        owner = self

        class Handler(_Handler):
            server_of_page = owner

        self._server = ThreadingHTTPServer((HOST, port), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="page", daemon=True)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/{self.token}/"

    def __enter__(self) -> "PageServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server_of_page: PageServer
    server_version = "edgeproof"
    sys_version = ""
    timeout = 20.0

    def do_GET(self) -> None:
        owner = self.server_of_page
        if not owner.places.acquire(blocking=False):
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        try:
            self._answer(owner)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            pass  # the page was closed
        finally:
            owner.places.release()

    def _answer(self, owner: PageServer) -> None:
        if not self._is_ours(owner.port):
            self._refuse(HTTPStatus.FORBIDDEN)
            return
        address = urlsplit(self.path)
        _, token, name = (*address.path.split("/", 2), "", "")[:3]
        if not hmac.compare_digest(token.encode(), owner.token.encode()):
            self._refuse(HTTPStatus.NOT_FOUND)
        elif name == "":
            self._send(owner.page, "text/html; charset=utf-8")
        elif name == "state":
            data = owner.state.snapshot(_number(address.query), _WAIT_SECONDS).to_json()
            self._send(json.dumps(data, ensure_ascii=False).encode(), "application/json")
        elif name == "picture" and (jpeg := owner.state.picture()):
            self._send(jpeg, "image/jpeg")
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def _is_ours(self, port: int) -> bool:
        """A name that leads here (DNS rebinding) and another site's script are strangers."""
        names = {f"{HOST}:{port}", f"localhost:{port}"}
        if self.headers.get_all("Host", []) not in [[name] for name in names]:
            return False
        origins = self.headers.get_all("Origin", [])
        if origins and origins not in [[f"http://{name}"] for name in names]:
            return False
        return self.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")

    def _send(self, data: bytes, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self._end(data, kind)

    def _refuse(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self._end(f"{status.phrase}\n".encode(), "text/plain; charset=utf-8")

    def _end(self, data: bytes, kind: str) -> None:
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(data)),
            "Cache-Control": "no-store",
            "Content-Security-Policy": self.server_of_page.policy,
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """The token is in every address."""


def _number(query: str) -> int:
    text = parse_qs(query).get("after", ["-1"])[0]
    return min(int(text), _MAX_NUMBER) if text.isascii() and text.isdecimal() and len(text) < 17 else -1
