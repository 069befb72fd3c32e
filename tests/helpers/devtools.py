"""A page in headless Chromium, used as a person uses it: mouse, keys, downloads; by the DevTools protocol over a pipe."""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

from browser import BROWSERS

# Chromium reads commands from descriptor 3 and answers on 4; both come under other numbers, which may be 3 and 4 themselves.
_LAUNCH = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for end, number in zip(ends, (3, 4)):
    os.dup2(end, number)
os.execv(sys.argv[3], sys.argv[3:])
"""
_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
_FLAGS += [
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
]


class Browser:
    """One tab; use as a context manager. `said` holds what pages wrote to the console, errors included."""

    def __init__(self, profile: Path, width: int = 1200, height: int = 800, downloads: Path | None = None):
        chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
        assert chromium, "headless Chromium is needed: apt-get install chromium"
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        ends = [str(theirs_in), str(theirs_out)]
        words = [sys.executable, "-c", _LAUNCH, *ends, chromium, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(words, pass_fds=(theirs_in, theirs_out), **quiet)
        os.close(theirs_in)
        os.close(theirs_out)
        self._rest, self._numbers, self._session, self.said = b"", itertools.count(1), None, []
        target = next(each for each in self.call("Target.getTargets")["targetInfos"] if each["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.resize(width, height)
        if downloads:
            session, self._session = self._session, None
            self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
            self._session = session

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(20)
        os.close(self._in)
        os.close(self._out)

    def call(self, method: str, **values) -> dict:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": values}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer)
                return answer["result"]
            if answer.get("method") == "Runtime.exceptionThrown":
                self.said.append(answer["params"]["exceptionDetails"]["exception"]["description"])
            elif answer.get("method") in ("Runtime.consoleAPICalled", "Log.entryAdded"):
                self.said.append(json.dumps(answer["params"]))

    def _message(self, timeout: float = 60) -> dict:
        while b"\0" not in self._rest:
            assert select.select([self._in], [], [], timeout)[0], f"Chromium did not answer within {timeout} s"
            more = os.read(self._in, 2**20)
            assert more, "Chromium has ended"
            self._rest += more
        first, self._rest = self._rest.split(b"\0", 1)
        return json.loads(first)

    def resize(self, width: int, height: int, scale: float = 1) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False
        )

    def open(self, address: Path | str) -> None:
        """Until the whole page has been read."""
        self._until_read("Page.navigate", url=address.as_uri() if isinstance(address, Path) else address)

    def reload(self) -> None:
        self._until_read("Page.reload")

    def _until_read(self, method: str, **values) -> None:
        self.value("window.before = true")
        self.call(method, **values)
        self.wait("document.readyState == 'complete' && !window.before")

    def value(self, expression: str):
        """Of JavaScript, as JSON."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, condition: str, timeout: float = 60) -> None:
        end = time.monotonic() + timeout
        while not self.value(condition):
            assert time.monotonic() < end, f"not within {timeout} s: {condition}"
            time.sleep(0.02)

    def text(self, css: str) -> str:
        return self.value(f"document.querySelector({json.dumps(css)}).innerText")

    def place(self, css: str) -> tuple[float, float]:
        """The middle of an element, after it was scrolled into view."""
        return tuple(
            self.value(
                f"(() => {{ const e = document.querySelector({json.dumps(css)}); e.scrollIntoView({{block: 'nearest'}}); "
                "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
            )
        )

    def mouse(self, kind: str, x: float, y: float, **values) -> None:
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **values)

    def click(self, where: str | tuple[float, float]) -> None:
        x, y = self.place(where) if isinstance(where, str) else where
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", buttons=1, clickCount=1)

    def press(self, key: str, text: str = "", modifiers: int = 0) -> None:
        """A key by its name, e.g. "ArrowLeft" or "1"; modifiers: 2 Ctrl, 8 Shift."""
        text = text or (key if len(key) == 1 and not modifiers & 2 else {"Enter": "\r"}.get(key, ""))
        code = {"Enter": 13, "Tab": 9, "Backspace": 8, "Escape": 27}.get(key, ord(key.upper()) if len(key) == 1 else 0)
        values = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        self.call("Input.dispatchKeyEvent", type="keyDown", **values, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **values)

    def settle(self) -> None:
        """Until what has been asked for was drawn."""
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")

    def picture(self) -> bytes:
        """The window as a PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
