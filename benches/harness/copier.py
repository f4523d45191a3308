"""Forwards connections with nothing but two sockets, as `socat` does: copier.py LISTEN TO"""

import socket
import sys
import threading

STEP = 64 << 10


def main():
    listen, to = map(int, sys.argv[1:])
    with socket.create_server(("127.0.0.1", listen), backlog=256) as listener:
        while True:
            near, _ = listener.accept()
            far = socket.create_connection(("127.0.0.1", to))
            for source, sink in (near, far), (far, near):
                threading.Thread(target=_copy, args=(source, sink), daemon=True).start()


def _copy(source, sink):
    buffer = bytearray(STEP)
    view = memoryview(buffer)
    try:
        while count := source.recv_into(buffer):
            sink.sendall(view[:count])
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


if __name__ == "__main__":
    main()
