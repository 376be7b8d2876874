"""A server of the test that keeps every request as its bytes, and answers what it is told to."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

OK = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class Recorded:
    raw: bytes
    head: str = ""
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        head, _, self.body = self.raw.partition(b"\r\n\r\n")
        self.head, *lines = head.decode().split("\r\n")
        self.headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}


class Recorder:
    """`answers` are given in their order, then 201 for ever."""

    def __init__(self) -> None:
        self.requests: list[Recorded] = []
        self.answers: list[bytes] = []
        self.connections = 0
        self.came = threading.Semaphore(0)

    def begin(self) -> None:
        recorder = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                recorder.connections += 1
                raw = _read(self.request)
                if not raw:
                    return
                recorder.requests.append(Recorded(raw))
                answer = recorder.answers.pop(0) if recorder.answers else OK
                recorder.came.release()
                with suppress(ConnectionError):  # whoever heard enough leaves
                    self.request.sendall(answer)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.base = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def end(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def says(self, status: str, body: bytes = b"", **headers: str) -> None:
        """Answer the next request so; header names are written with underscores."""
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}", "Connection: close"]
        head = "\r\n".join([f"HTTP/1.1 {status}", *lines])
        self.answers.append(head.encode() + b"\r\n\r\n" + body)


def _read(connection: socket.socket) -> bytes:
    connection.settimeout(10)
    raw = b""
    while b"\r\n\r\n" not in raw:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        raw += piece
    head, _, body = raw.partition(b"\r\n\r\n")
    named = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    length = int(named[0].split(b":")[1]) if named else 0
    while len(body) < length:
        piece = connection.recv(65_536)
        body += piece
        raw += piece
    return raw


@contextmanager
def recording() -> Iterator[Recorder]:
    recorder = Recorder()
    recorder.begin()
    try:
        yield recorder
    finally:
        recorder.end()
