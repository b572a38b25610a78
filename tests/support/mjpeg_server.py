"""A network camera on the loopback: MJPEG over HTTP, as network cameras send it. It can be pulled, freeze, be mute."""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np

_BOUNDARY = "frame"


class MjpegCamera:
    """Serves pictures, uint8 [H, W, 3] in BGR, that `picture` makes of their number. Use it as a context."""

    def __init__(self, picture: Callable[[int], np.ndarray], fps: float = 100.0) -> None:
        self.connections = 0
        self.mute = threading.Event()
        self.pulled = threading.Event()
        self.frozen = threading.Event()
        self._picture = picture
        self._pause = 1 / fps
        self._sent = 0
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera._serve(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/stream.mjpg"

    def __enter__(self) -> "MjpegCamera":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.pulled.set()
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        if self.pulled.is_set():
            handler.send_error(503)
            return
        self.connections += 1
        handler.send_response(200)
        handler.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        handler.end_headers()
        while not self.pulled.is_set():
            if not self.mute.is_set():
                self._sent += not self.frozen.is_set()
                data = cv2.imencode(".jpg", self._picture(self._sent))[1].tobytes()
                head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                try:
                    handler.wfile.write(head.encode() + data + b"\r\n")
                except OSError:
                    return
            time.sleep(self._pause)
