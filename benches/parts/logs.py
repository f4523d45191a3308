"""Logs: from a socket on this machine into a file."""

import os
import time

from harness.measure import run
from harness.rack import Rack, frame
from harness.table import at_least, megabytes, within

TIME = b"2026-02-03T04:05:06Z"
SIZE = 1 << 30


def measure(bench):
    with bench.place("logs") as directory:
        path = os.path.join(directory, "log")
        _follow(bench, path, SIZE >> 3)
        small = _follow(bench, path, SIZE >> 3)
        costs = [_follow(bench, path, SIZE) for _ in range(min(3, bench.rounds))]
        best = min(costs, key=lambda cost: cost.wall)
        speed = SIZE / best.wall / 1e6
        yield at_least(
            "logs into a file", f"{speed:.0f} MB/s, CPU {best.cpu:.2f} s for {SIZE >> 20} MB", "",
            speed, 200, " MB/s",
        )
        grown = max(cost.memory for cost in costs) - small.memory
        yield within(
            f"logs: memory, {SIZE >> 20} beside {SIZE >> 23} MB", megabytes(best.memory),
            megabytes(small.memory), grown / 2**20, 4, " MB more",
        )


def _follow(bench, path, size):
    block = _block()
    frames = [frame(block.replace(TIME, _time(number))) for number in range(64)]
    expected = 0

    def pieces():
        nonlocal expected
        for number in range(size // len(block)):
            expected += len(block)
            yield frames[number % 64] if number < 64 else frame(block.replace(TIME, _time(number)))

    with Rack(log=pieces()) as rack:
        command = [bench.binary, "logs", "-a", "web"]
        cost = run(command, bench.environment(rack), output=path)
    if os.path.getsize(path) != expected:
        raise RuntimeError(f"{os.path.getsize(path)} of {expected} bytes arrived")
    return cost


def _time(number):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_770_091_506 + number // 4)).encode()


def _block():
    """Lines of 90 to 150 bytes, half a megabyte of them."""
    lines, length = [], 0
    while length < 512 << 10:
        text = b"GET /orders/%d HTTP/1.1 200 took %d ms " % (len(lines), len(lines) % 997)
        line = TIME + b" service/web/web-6d5f8c9b7-x2x9z " + text + b"x" * (len(lines) % 60) + b"\n"
        lines.append(line)
        length += len(line)
    return b"".join(lines)
