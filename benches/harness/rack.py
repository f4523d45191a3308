"""A v3 rack that costs little: it has fixed responses, discards uploads, and sends given logs."""

import base64
import hashlib
import json
import socket
import struct
import tarfile
import threading
import time

KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
EXIT_MARKER = b"F1E49A85-0AD7-4AEF-A618-C249C6E6568D:"
STEP = 256 << 10
CREATED = "2026-02-03T04:05:06.000000Z"


class Bucket:
    """Limits all connections together to `rate` bytes per second."""

    def __init__(self, rate):
        self.rate, self.free_at = rate, time.monotonic()

    def take(self, count):
        now = time.monotonic()
        self.free_at = max(self.free_at, now - 0.02) + count / self.rate
        if self.free_at > now:
            time.sleep(self.free_at - now)


class Rack:
    """Serves on a loopback port until it is closed."""

    def __init__(self, build_takes=0.0, rollout_takes=0.0, rate=None, releases=b"[]", log=None,
                 file_size=0):
        self.build_takes, self.rollout_takes = build_takes, rollout_takes
        self.bucket = Bucket(rate) if rate else None
        self.releases, self.log = releases, log
        self.file_size = file_size
        self.uploaded = 0
        self.complete_at = self.running_at = None
        self.built = self.promoted = None
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    @property
    def port(self):
        return self.listener.getsockname()[1]

    @property
    def url(self):
        return f"http://convox:password@127.0.0.1:{self.port}"

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # closing alone does not end a waiting accept
        self.accepting.join()
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb", STEP) as reader:
            try:
                while self._answer(connection, reader):
                    pass
            except (ConnectionError, ValueError):
                pass

    def _answer(self, connection, reader):
        first = reader.readline().split()
        if len(first) < 2:
            return False
        method, path = first[0].decode(), first[1].decode().partition("?")[0]
        headers = {}
        while (line := reader.readline().strip()):
            name, _, value = line.partition(b":")
            headers[name.strip().lower()] = value.strip()
        if headers.get(b"upgrade", b"").lower() == b"websocket":
            self._socket(connection, path, headers)
            return False
        if headers.get(b"expect", b"").lower() == b"100-continue":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        received = self._body(reader, headers)
        if method == "GET" and path.endswith(("/files", "/data", ".tgz")):
            self._send_file(connection)
            return True
        status, body = self._route(method, path, received)
        head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return True

    def _send_file(self, connection):
        """A tar archive of one file of zeros."""
        header = tarfile.TarInfo("data")
        header.size = self.file_size
        left = -(-self.file_size // 512) * 512 + 1024
        head = header.tobuf()
        connection.sendall(
            f"HTTP/1.1 200 OK\r\nContent-Type: application/x-tar\r\n"
            f"Content-Length: {len(head) + left}\r\n\r\n".encode() + head
        )
        zeros = bytes(STEP)
        while left:
            connection.sendall(zeros[: min(left, STEP)])
            left -= min(left, STEP)

    def _body(self, reader, headers):
        if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
            total = 0
            while (length := int(reader.readline().partition(b";")[0], 16)):
                total += self._drain(reader, length)
                reader.readline()
            reader.readline()
            return total
        return self._drain(reader, int(headers.get(b"content-length", 0)))

    def _drain(self, reader, length):
        left, step = length, STEP if self.bucket is None else 32 << 10
        while left:
            got = len(reader.read1(min(left, step)))
            if not got:
                raise ConnectionError("the body was cut")
            if self.bucket:
                self.bucket.take(got)
            left -= got
        return length

    def _route(self, method, path, received):
        parts = path.strip("/").split("/")
        match method, parts:
            case "GET", ["system"]:
                return 200, _json(name="bench", provider="aws", status="running", version="3.24.6")
            case "GET", ["apps"]:
                return 200, json.dumps([self._app() for _ in range(3)]).encode()
            case "GET", ["apps", _]:
                return 200, json.dumps(self._app()).encode()
            case _, ["apps", _, "objects", *key]:
                self.uploaded = received
                return 200, _json(url="object://web/" + "/".join(key))
            case "GET", ["apps", _, "builds"]:
                return 200, b"[]"
            case "POST", ["apps", _, "builds", "import"]:
                self.complete_at = time.monotonic()
                return 200, json.dumps(self._build()).encode()
            case "POST", ["apps", _, "services", _, "processes"]:
                return 200, _json(id="p", app="web", status="running", name="web")
            case "GET", ["apps", _, "processes", _]:
                return 200, _json(id="p", app="web", status="running", name="web")
            case "POST", ["apps", _, "builds"]:
                self.built = time.monotonic()
                self.complete_at = self.built + self.build_takes
                return 200, json.dumps(self._build()).encode()
            case "GET", ["apps", _, "builds", _]:
                return 200, json.dumps(self._build()).encode()
            case "GET", ["apps", _, "releases"]:
                return 200, self.releases
            case "POST", ["apps", _, "releases", _, "promote"]:
                self.promoted = time.monotonic()
                self.running_at = self.promoted + self.rollout_takes
                return 200, b"ok"
        return 200, b"[]"

    def _app(self):
        status, release = "running", "ROLD"
        if self.promoted:
            release = "RNEW"
            status = "running" if time.monotonic() >= self.running_at else "updating"
        return {"generation": "3", "locked": False, "name": "web", "release": release,
                "router": "", "status": status, "parameters": {}}

    def _build(self):
        over = self.complete_at is not None and time.monotonic() >= self.complete_at
        return {"id": "BNEW", "app": "web", "description": "", "logs": "", "manifest": "",
                "process": "", "release": "RNEW" if over else "", "reason": "",
                "repository": "", "started": CREATED, "ended": CREATED, "tags": None,
                "status": "complete" if over else "running"}

    def _socket(self, connection, path, headers):
        accept = base64.b64encode(hashlib.sha1(headers[b"sec-websocket-key"] + KEY).digest())
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        if path.endswith("/exec"):
            _echo(connection)
            return
        if self.log is not None and "/builds/" not in path:
            for piece in self.log:
                connection.sendall(piece)
        elif self.complete_at is not None:
            while time.monotonic() < self.complete_at:
                connection.sendall(frame(b"Step: it goes on\n"))
                time.sleep(min(0.5, max(0.0, self.complete_at - time.monotonic())) + 0.001)
        connection.sendall(frame(b"", opcode=2))
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(10)
        while connection.recv(4096):
            pass


def _echo(connection):
    """A program that prompts, and shows each key until it gets a Ctrl-D."""
    connection.sendall(frame(b"$ "))
    with connection.makefile("rb") as reader:
        while len(head := reader.read(2)) == 2:
            mask, payload = reader.read(4), reader.read(head[1] & 0x7F)
            keys = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
            if keys == b"\x04":
                connection.sendall(frame(EXIT_MARKER + b"0\n") + frame(b"", opcode=2))
                return
            if head[0] & 0x0F < 8:
                connection.sendall(frame(keys))


def frame(payload, opcode=1):
    """A frame as servers send it (RFC 6455, 5.2)."""
    length = len(payload)
    if length < 126:
        head = struct.pack(">BB", 0x80 | opcode, length)
    elif length < 1 << 16:
        head = struct.pack(">BBH", 0x80 | opcode, 126, length)
    else:
        head = struct.pack(">BBQ", 0x80 | opcode, 127, length)
    return head + payload


def _json(**fields):
    return json.dumps(fields).encode()
