"""A service that sends a gigabyte (F), takes one (S), or returns what it gets (E)."""

import os
import socket
import threading

SIZE = 1 << 30
STEP = 256 << 10


def main():
    with socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=256) as listener:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection,), daemon=True).start()


def _serve(connection):
    with connection:
        match connection.recv(1):
            case b"G":  # the health check
                connection.recv(STEP)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            case b"F":
                zeros = bytes(STEP)
                for _ in range(SIZE // STEP):
                    connection.sendall(zeros)
            case b"S":
                left, buffer = SIZE, bytearray(STEP)
                while left:
                    got = connection.recv_into(buffer, min(left, STEP))
                    if not got:
                        return
                    left -= got
                connection.sendall(b".")
            case b"E":
                while data := connection.recv(STEP):
                    connection.sendall(data)


if __name__ == "__main__":
    main()
