"""Transfers: a gigabyte to a process and from it, beside a small file."""

import os

from harness.measure import run
from harness.rack import Rack
from harness.table import megabytes, within

SMALL, LARGE = 64 << 10, 1 << 30


def measure(bench):
    with bench.place("transfers") as folder:
        for what, copy in [("to", _send), ("from", _fetch)]:
            small, large = copy(bench, folder, SMALL), copy(bench, folder, LARGE)
            ours = f"{megabytes(large.memory)}, {large.wall:.1f} s, CPU {large.cpu:.1f} s"
            grown = (large.memory - small.memory) / 2**20
            theirs = f"{megabytes(small.memory)} for 64 KB"
            yield within(f"`cp` of 1 GB {what} a process: memory", ours, theirs, grown, 32, " MB more")


def _send(bench, folder, size):
    path = os.path.join(folder, "data")
    with open(path, "wb") as file:
        file.truncate(size)
    with Rack() as rack:
        cost = run([bench.binary, "cp", path, "p:/data", "-a", "web"], bench.environment(rack))
    os.remove(path)
    return cost


def _fetch(bench, folder, size):
    path = os.path.join(folder, "got")
    with Rack(file_size=size) as rack:
        cost = run([bench.binary, "cp", "p:/data", path, "-a", "web"], bench.environment(rack))
    assert os.path.getsize(path) == size
    os.remove(path)
    return cost
