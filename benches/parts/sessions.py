"""Sessions: the time until a typed key is echoed, over a way of 40 ms there and back."""

import base64
import os
import pty
import socket
import statistics
import subprocess
import time
import tty

from harness.delay import Delay
from harness.rack import Rack, frame
from harness.table import milliseconds, within

ONE_WAY = 0.02
KEYS = 40


def measure(bench):
    with Rack() as rack, Delay(rack.port, ONE_WAY) as way:
        bare = _bare(way.port)
        env = bench.environment() | {"RACK_URL": f"http://convox:password@127.0.0.1:{way.port}"}
        for what, words in [("exec", ["exec", "p", "sh"]), ("run", ["run", "web", "sh"])]:
            ours = _typed([bench.binary, *words, "-a", "web"], env)
            yield within(f"`{what}` over 40 ms: echo of a key", milliseconds(ours),
                         f"bare websocket {milliseconds(bare)}", ours / bare, 1.1)


def _typed(command, env):
    """The median time from a key to its echo on a terminal."""
    near, far = pty.openpty()
    tty.setraw(far)
    program = subprocess.Popen(command, env=env | {"TERM": "xterm"}, stdin=far, stdout=far,
                               stderr=far, start_new_session=True)
    os.close(far)
    while not os.read(near, 4096).endswith(b"$ "):
        pass
    times = _echoes(lambda key: os.write(near, key), lambda: os.read(near, 1))
    os.write(near, b"\x04")
    program.wait(10)
    os.close(near)
    return times


def _bare(port):
    """The same over a websocket without a client."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(bytes(16)).decode()
        connection.sendall(
            f"GET /apps/web/processes/p/exec HTTP/1.1\r\nHost: rack\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        received = b""
        while not received.endswith(b"$ "):
            received += connection.recv(4096)
        mask = bytes(4)
        # A frame of one byte; masked with zeros, as clients have to.
        return _echoes(lambda key: connection.sendall(b"\x81\x81" + mask + key),
                       lambda: connection.recv(len(frame(b"x")))[-1:])


def _echoes(send, receive):
    times = []
    for number in range(KEYS):
        key = b"abcdefgh"[number % 8:][:1]
        started = time.monotonic()
        send(key)
        while receive() != key:
            pass
        times.append(time.monotonic() - started)
    return statistics.median(times)
