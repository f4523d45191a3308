"""Transfers: a gigabyte to and from a process, compared with a small file."""

import os

from harness.measure import run
from harness.rack import Rack
from harness.table import megabytes, within

SMALL, LARGE = 64 << 10, 1 << 30


def measure(bench):
    with bench.place("transfers") as directory:
        for what, copy in [("to", _send), ("from", _fetch)]:
            small, large = copy(bench, directory, SMALL), copy(bench, directory, LARGE)
            ours = f"{megabytes(large.memory)}, {large.wall:.1f} s, CPU {large.cpu:.1f} s"
            grown = (large.memory - small.memory) / 2**20
            theirs = f"{megabytes(small.memory)} for 64 KB"
            yield within(f"`cp` of 1 GB {what} a process: memory", ours, theirs, grown, 32, " MB more")


def _send(bench, directory, size):
    path = os.path.join(directory, "data")
    with open(path, "wb") as file:
        file.truncate(size)
    with Rack() as rack:
        cost = run([bench.binary, "cp", path, "p:/data", "-a", "web"], bench.environment(rack))
    os.remove(path)
    return cost


def _fetch(bench, directory, size):
    path = os.path.join(directory, "got")
    with Rack(file_size=size) as rack:
        cost = run([bench.binary, "cp", "p:/data", path, "-a", "web"], bench.environment(rack))
    assert os.path.getsize(path) == size
    os.remove(path)
    return cost
