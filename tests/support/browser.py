"""Headless Chromium over its debugging pipe (JSON ended by a zero byte): no driver and no port is needed."""

import base64
import contextlib
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SECONDS = 60.0
_START = """
import fcntl, os, sys
pipes = [fcntl.fcntl(int(pipe), fcntl.F_DUPFD, 10) for pipe in sys.argv[1:3]]
os.dup2(pipes[0], 3)
os.dup2(pipes[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""The browser reads from file descriptor 3 and writes to 4."""


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@dataclass
class Tab:
    """One page; what it complains of is gathered in `complaints`."""

    browser: "Browser"
    session: str
    complaints: list[str] = field(default_factory=list)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self.browser.call(method, params, self.session)

    def show(self, width: int, *, dark: bool = False, media: str = "screen", height: int = 900) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def open(self, path: Path) -> None:
        """Returns when the page of a file is loaded."""
        self.visit(path.absolute().as_uri())

    def visit(self, url: str) -> None:
        """Returns when the page at an address is loaded."""
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=url)
        deadline = time.monotonic() + _SECONDS
        while self.value("document.readyState + location.protocol") != f"complete{url.partition(':')[0]}:":
            assert time.monotonic() < deadline, "the page does not load"

    def value(self, script: str) -> Any:
        """What an expression of JavaScript gives. Raises `AssertionError` with its error."""
        done = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def press(self, key: str, code: int) -> None:
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)
        if key == "Enter":
            self.call("Input.dispatchKeyEvent", type="char", text="\r", key=key, code=key, windowsVirtualKeyCode=code)

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole, format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self, *, dark: bool = False) -> bytes:
        """As the browser prints it, on a screen of that scheme."""
        self.show(1280, dark=dark, media="print")
        done = self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        return base64.b64decode(done["data"])


class Browser:
    """A running Chromium with a profile of its own."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._numbers = itertools.count(1)
        self._buffer = b""
        self._tabs: dict[str, Tab] = {}

    def tab(self) -> Tab:
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        tab = self._tabs[session] = Tab(self, session)
        return tab

    def call(self, method: str, params: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._writing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result
            self._event(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._reading], [], [], _SECONDS)
            assert ready, "the browser does not answer"
            part = os.read(self._reading, 1 << 20)
            assert part, "the browser has ended"
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\0")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _event(self, event: dict[str, Any]) -> None:
        tab = self._tabs.get(event.get("sessionId", ""))
        if tab is None:
            return
        params = event.get("params", {})
        if event["method"] == "Runtime.exceptionThrown":
            tab.complaints.append(json.dumps(params["exceptionDetails"]))
        elif event["method"] == "Runtime.consoleAPICalled":
            tab.complaints.append(json.dumps(params["args"]))
        elif event["method"] == "Log.entryAdded":
            tab.complaints.append(params["entry"]["text"])


@contextlib.contextmanager
def running_browser(program: str) -> Iterator[Browser]:
    """Starts it, and ends it with the block."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    options = ["--headless=new", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
    options += ["--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync"]
    options += ["--no-sandbox"] * (os.getuid() == 0)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        pipes = [str(to_read), str(from_write)]
        command = [sys.executable, "-c", _START, *pipes, program, *options, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(
            command, pass_fds=(to_read, from_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(to_read)
        os.close(from_write)
        try:
            yield Browser(from_read, to_write)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(from_read)
            os.close(to_write)
