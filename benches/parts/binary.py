"""The binary: its size and, with the part `build`, the time of a clean build (also in CPU seconds)."""

import os
import subprocess
import time

from harness.table import megabytes, within


def measure(bench):
    size = os.path.getsize(bench.binary)
    yield within("binary, stripped", megabytes(size), "", size / 2**20, 12, " MB")


def build(bench):
    """A release build into an empty directory; the dependencies have been downloaded before."""
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with bench.place("target") as directory:
        before, started = os.times(), time.monotonic()
        subprocess.run(
            ["cargo", "build", "--release", "--quiet", "--target-dir", directory], cwd=package, check=True
        )
        after, wall = os.times(), time.monotonic() - started
    cpu = sum(after[2:4]) - sum(before[2:4])
    yield within("cargo build --release", f"{wall:.0f} s, CPU {cpu:.0f} s", "", wall, 240, " s")
