"""Pages in headless Chromium."""

import shutil
import subprocess
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def opened(page: Path | str, profile: Path) -> tuple[str, list[str]]:
    """The page as it stands after its scripts, and what it writes to the console: errors and missing files included."""
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert chromium, "headless Chromium is needed: apt-get install chromium"
    address = page if isinstance(page, str) else page.as_uri()
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    flags += ["--disable-component-update", "--disable-sync", "--virtual-time-budget=2000", "--enable-logging=stderr"]
    shown = subprocess.run(
        [chromium, *flags, f"--user-data-dir={profile}", "--dump-dom", address],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "<html" in shown.stdout, shown.stderr[-2000:]
    return shown.stdout, [line for line in shown.stderr.splitlines() if ":CONSOLE" in line]


def console(page: Path | str, profile: Path) -> list[str]:
    return opened(page, profile)[1]
