"""Proxy: throughput beside bare sockets on loopback, and 200 connections at once.

The proxy and the rack are two programs between the client and the service, so they are compared
with two copies between sockets in a row, and with the connection itself."""

import socket
import statistics
import sys
import threading
import time

from harness import copier, transfers
from harness.devrack import DevRack, until
from harness.table import at_least, megabytes, told, within

SIZE, STEP = transfers.SIZE, transfers.STEP
MANIFEST = "services:\n  web:\n    command: python3 transfers.py\n    port: 3000\n"
CONNECTIONS = 200


def measure(bench):
    with bench.place("proxy") as directory, DevRack(bench) as rack:
        process = rack.process(directory, MANIFEST, [transfers.__file__])
        direct = int(process["ports"][0].split(":")[0])
        local, middle, copied = (_free_port() for _ in range(3))
        running = []
        try:
            for port, command in [
                (local, [bench.binary, "proxy", f"{local}:{process['id']}:3000", "-r", "dev"]),
                (middle, [sys.executable, copier.__file__, str(middle), str(direct)]),
                (copied, [sys.executable, copier.__file__, str(copied), str(middle)]),
            ]:
                running.append(rack.start(*command))
                until("it listens", lambda port=port: _listens(port))
            for what, carry in [("from", _fetch), ("to", _send)]:
                yield from _compared(what, [
                    [carry(port) for port in (local, copied, direct)] for _ in range(bench.rounds)
                ])
            most = _many(running[0].pid, local)
            yield within(f"`proxy`: memory with {CONNECTIONS} connections", megabytes(most), "",
                         most / 2**20, 40, " MB")
        finally:
            for one in running:
                one.terminate()
                one.wait()


def _compared(what, rounds):
    ours, copied, direct = (statistics.median(speeds) for speeds in zip(*rounds))
    what = f"`proxy`: 1 GB {what} the rack"
    yield at_least(what, _speed(ours), f"two copies in a row {_speed(copied)}",
                   statistics.median(ours / copied for ours, copied, _ in rounds), 0.8, "x")
    yield told(what, _speed(ours), f"no copy in between {_speed(direct)}",
               statistics.median(ours / direct for ours, _, direct in rounds))


def _speed(value):
    return f"{value / 2**20:.0f} MB/s"


def _fetch(port):
    with _asked(port, b"F") as connection:
        started, left, buffer = time.monotonic(), SIZE, bytearray(STEP)
        while left:
            got = connection.recv_into(buffer, min(left, STEP))
            assert got, "the connection was cut"
            left -= got
        return SIZE / (time.monotonic() - started)


def _send(port):
    with _asked(port, b"S") as connection:
        started, zeros = time.monotonic(), bytes(STEP)
        for _ in range(SIZE // STEP):
            connection.sendall(zeros)
        assert connection.recv(1) == b"."
        return SIZE / (time.monotonic() - started)


def _many(pid, port):
    """The memory of the proxy while each connection carries 4 MB in both directions."""
    def one():
        with _asked(port, b"E") as connection:
            writer = threading.Thread(target=connection.sendall, args=(bytes(4 << 20),))
            writer.start()
            left = 4 << 20
            while left:
                got = len(connection.recv(min(left, STEP)))
                assert got
                left -= got
            writer.join()
            barrier.wait(120)
    barrier = threading.Barrier(CONNECTIONS + 1)
    threads = [threading.Thread(target=one) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    barrier.wait(120)
    for thread in threads:
        thread.join()
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        peak = next(line for line in status if line.startswith("VmHWM"))
    return int(peak.split()[1]) << 10


def _asked(port, what):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(what)
    return connection


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
