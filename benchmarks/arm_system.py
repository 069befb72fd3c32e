"""An aarch64 Python on this machine: Debian's arm64 packages, the aarch64 wheels that a device gets, and qemu's user emulation.

Needs Debian or Ubuntu for x86-64 with Debian's archive keyring, apt-get, dpkg-deb and pip; nothing is installed on the machine,
all of it lies in one folder. qemu 7 crashes in LiteRT's kernels (Debian 12 has it); the suite below has qemu 10.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

SUITE, PYTHON = "trixie", "3.13"
SOURCE = f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian {SUITE} main"
WHEELS = ("ai-edge-litert", "numpy", "pillow")
PLATFORMS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")


class ArmSystem:
    """Programs for aarch64 run by it. folder: where all of it is kept, and found again the next time."""

    def __init__(self, folder: Path):
        self.folder = folder.resolve()
        self.root, self.site = self.folder / "root", self.folder / "site"
        self.qemu = self.folder / "qemu" / "usr" / "bin" / "qemu-aarch64"
        if not self.qemu.is_file():
            self._install("amd64", ["qemu-user"], self.folder / "qemu")
        if not (self.root / "usr/bin" / f"python{PYTHON}").is_file():
            self._install("arm64", ["python3", "libstdc++6"], self.root)
        if not self.site.is_dir():
            self._wheels()

    def python(self, processor: str, *words) -> str:
        """What the script printed. processor: as qemu calls it, e.g. "cortex-a53"."""
        command = [self.qemu, "-cpu", processor, "-L", self.root, self.root / f"usr/bin/python{PYTHON}", *words]
        done = subprocess.run(command, env={"PYTHONPATH": str(self.site)}, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{words[0]} on {processor}: exit status {done.returncode}\n{done.stderr[-2000:]}")
        return done.stdout

    def _install(self, architecture: str, packages: list[str], place: Path) -> None:
        """Unpacks Debian packages and what they depend on, without running any of their scripts."""
        apt = self.folder / f"apt-{architecture}"
        for part in ("lists/partial", "cache/archives/partial"):
            (apt / part).mkdir(parents=True, exist_ok=True)
        (apt / "status").touch()
        (apt / "sources.list").write_text(SOURCE + "\n")
        settings = {
            "APT::Architecture": architecture,
            "APT::Architectures": architecture,
            "APT::Sandbox::User": "root",
            "Dir::Etc::sourcelist": apt / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::State": apt,
            "Dir::State::lists": apt / "lists",
            "Dir::State::status": apt / "status",
            "Dir::Cache": apt / "cache",
        }
        options = [f"-o{name}={value}" for name, value in settings.items()]
        _run("apt-get", *options, "update")
        _run("apt-get", *options, "install", "--yes", "--no-install-recommends", "--download-only", *packages)
        place.mkdir(parents=True)
        for link in ("bin", "lib", "sbin"):  # as base-files has them
            (place / "usr" / link).mkdir(parents=True)
            os.symlink(f"usr/{link}", place / link)
        for package in sorted((apt / "cache/archives").glob("*.deb")):
            _run("dpkg-deb", "--extract", package, place)

    def _wheels(self) -> None:
        wheels = self.folder / "wheels"
        words = [f"--platform={platform}_aarch64" for platform in PLATFORMS]
        abi = f"cp{PYTHON.replace('.', '')}"
        words += ["--only-binary=:all:", f"--python-version={PYTHON}", "--implementation=cp", f"--abi={abi}"]
        words += ["--abi=abi3", "--abi=none"]
        _run(sys.executable, "-m", "pip", "download", "--dest", wheels, *words, *WHEELS)
        for wheel in wheels.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(self.site)


def _run(*words) -> None:
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)
