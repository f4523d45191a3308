"""Exports and imports: a gigabyte of a resource and of a build, compared with a small one."""

import os

from harness.measure import run
from harness.rack import Rack
from harness.table import megabytes, within

SMALL, LARGE = 64 << 10, 1 << 30
EXPORTS = [("resources export", ["resources", "export", "db"]), ("builds export", ["builds", "export", "B"])]
IMPORTS = [("resources import", ["resources", "import", "db"]), ("builds import", ["builds", "import"])]


def measure(bench):
    with bench.place("exports") as directory:
        path = os.path.join(directory, "data")
        for what, words in EXPORTS + IMPORTS:
            small, large = (_run(bench, words, path, size) for size in (SMALL, LARGE))
            grown = (large.memory - small.memory) / 2**20
            ours = f"{megabytes(large.memory)}, {large.wall:.1f} s, CPU {large.cpu:.1f} s"
            yield within(f"`{what}` of 1 GB: memory", ours, f"{megabytes(small.memory)} for 64 KB",
                         grown, 8, " MB more")


def _run(bench, words, path, size):
    exports = "export" in words
    if not exports:
        with open(path, "wb") as file:
            file.write(b"\x1f\x8b")  # builds import looks at the beginning
            file.truncate(size)
    with Rack(file_size=size) as rack:
        cost = run([bench.binary, *words, "--file", path, "-a", "web"], bench.environment(rack))
    assert os.path.getsize(path) >= size
    os.remove(path)
    return cost
