"""A web server on this machine that serves a folder, in ranges of bytes, and can be made to fail."""

import contextlib
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Clients may close a connection in the middle of an answer."""


class WebServer:
    """Serves the files below `folder`.

    Attributes:
        url: of the folder.
        failures: number of requests that are answered by `failure` before any is served. A status; or "cut", half a body;
            or "hang up", no answer.
        refused: {path: status} of what is always answered so.
        with_ranges: whether it serves ranges, or whole files whatever is asked for.
        requests: how many there were. bytes: sent, by path.
    """

    def __init__(self, folder):
        self.folder, self.failures, self.failure, self.refused = folder, 0, 503, {}
        self.with_ranges, self.requests, self.bytes = True, 0, Counter()
        self._lock = threading.Lock()
        self._server = _Quiet(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def _fails(self) -> bool:
        with self._lock:
            self.requests += 1
            self.failures -= 1
            return self.failures >= 0

    def _handler(server):  # noqa: N805  `self` is the handler's
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                path = unquote(self.path.partition("?")[0]).lstrip("/")
                fails = server._fails()
                if fails and server.failure == "hang up":
                    self.close_connection = True
                    return
                if fails and server.failure != "cut":
                    return self._answer(server.failure)
                if path in server.refused:
                    return self._answer(server.refused[path])
                file = server.folder / path
                if not file.is_file():
                    return self._answer(404)
                content, headers, status = file.read_bytes(), {"ETag": f'"{file.stat().st_mtime_ns}"'}, 200
                asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
                if asked and server.with_ranges:
                    first, last = int(asked[1]), int(asked[2])
                    if first >= len(content):
                        return self._answer(416, {"Content-Range": f"bytes */{len(content)}"})
                    headers["Content-Range"] = f"bytes {first}-{min(last, len(content) - 1)}/{len(content)}"
                    content, status = content[first : last + 1], 206
                with server._lock:  # first: who has read all of it may look at the count
                    server.bytes[path] += len(content)
                self._answer(status, headers, content, cut=fails)

            def _answer(self, status, headers=None, content=b"", cut=False):
                self.send_response(status)
                for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):  # of a client that has gone
                    self.wfile.write(content[: len(content) // 2] if cut else content)
                if cut:
                    self.close_connection = True

            def log_message(self, *_):
                pass

        return Handler
