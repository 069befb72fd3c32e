"""A folder of static files served on this machine, opened in headless Chromium."""

import http.server
import shutil
import subprocess
import threading
import time
from functools import partial
from pathlib import Path

from browser import BROWSERS

# Appended to a page: tells the server what stands there as soon as the page says that it is through.
_TELL = b"""<script type="module">
const tell = () => ["done", "failed"].includes(document.documentElement.dataset.state)
  ? fetch("/told", {method: "POST", body: document.documentElement.outerHTML}) : setTimeout(tell, 50);
tell();
</script>"""


class _Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.suffix != ".html" or not path.is_file():
            super().do_GET()
            return
        content = path.read_bytes() + _TELL
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self):
        self.server.told = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(204)
        self.end_headers()

    def log_message(self, form, *words):
        self.server.requests.append(self.path)


def told(folder: Path, address: str, profile: Path, timeout: float = 90) -> tuple[str, list[str]]:
    """(the page as it stands when its root has data-state "done" or "failed", what was asked of the server).

    address: within the folder, e.g. "index.html#a=b". The browser resolves no names, so that what is fetched from elsewhere
    fails.
    """
    chromium = next(filter(None, map(shutil.which, BROWSERS)))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
    server.told, server.requests = None, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    flags += ["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", f"--user-data-dir={profile}"]
    url = f"http://127.0.0.1:{server.server_port}/{address}"
    browser = subprocess.Popen([chromium, *flags, url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + timeout
        while server.told is None and time.monotonic() < end:
            time.sleep(0.1)
        assert server.told is not None, f"the page was not through after {timeout} s; it asked for {server.requests}"
        return server.told, server.requests
    finally:
        browser.terminate()
        browser.wait()
        server.shutdown()
        server.server_close()
