"""Thousands of WebSocket clients in one thread: epoll and a frame parser, and little else.

They share two cores with the server that is measured, so a message costs them about three
microseconds: what was heard is kept as it came, and looked at between two measurements.
"""

import re
import resource
import select
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

Step = tuple[bytes, bytes]
"""What to send, and what the answer contains."""

MESSAGE_BYTES = 200
"""Shorter text frames are not messages of the measurement: acknowledgements, pings of engine.io."""
AT_ONCE = 64
"""Connections that are on their way together."""
PATIENCE_SECONDS = 30.0
STAMP = re.compile(rb"#(\d{10}) (\d{20}) ")
"""What every message says first: its number, and when it was sent, in ns of the machine's clock."""
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def raise_limit() -> None:
    """Allow this process and its children as many files as the system lets us."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def text_of(number: int, size: int = MESSAGE_BYTES) -> str:
    """Return a message that tells its number and the time."""
    return f"#{number:010d} {time.perf_counter_ns():020d} ".ljust(size, "x")


def upgrade(port: int, path: str, protocols: str = "") -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        *([f"Sec-WebSocket-Protocol: {protocols}"] if protocols else []),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def frame(payload: bytes, op: int = TEXT) -> bytes:
    """Return a client's frame. Its mask is zero, which RFC 6455 allows: nothing to compute."""
    size = len(payload)
    head = bytes([0x80 | op, 0x80 | size]) if size < 126 else b""
    return (head or struct.pack("!BBH", 0x80 | op, 0xFE, size)) + b"\0\0\0\0" + payload


@dataclass(eq=False, slots=True)
class Client:
    connection: socket.socket
    steps: "deque[Step]"
    is_ready: bool = False
    rest: bytes = b""
    answer: bytes = b""
    """What the answer to the latest step contains."""
    heard: list[tuple[int, bytes]] = field(default_factory=list)
    """When a message was read, in ns, and the message."""
    close_code: int | None = None


class Clients:
    def __init__(self, port: int) -> None:
        self.port = port
        self.by_file: dict[int, Client] = {}
        self.all: list[Client] = []
        self.messages = 0
        """Heard since the beginning, by all of them."""
        self.ready = 0
        self.gone: Counter[int] = Counter()
        """Connections that ended, by close code."""
        self._epoll = select.epoll()

    # -- Coming and going --------------------------------------------------------------------------

    def open(
        self,
        steps: Callable[[int], Sequence[Step]],
        numbers: Sequence[int],
        *,
        receive_buffer: int = 0,
    ) -> float:
        """Open a connection for each number; return the seconds until the last was ready.

        `receive_buffer`: what the system keeps for one, in bytes; 0: as much as it likes.
        """
        waiting, started = deque(numbers), time.perf_counter()
        first, wanted = self.ready, self.ready + len(numbers)
        while self.ready < wanted:
            while waiting and len(numbers) - len(waiting) - (self.ready - first) < AT_ONCE:
                self._connect(steps(waiting.popleft()), receive_buffer)
            if not self.poll(PATIENCE_SECONDS) or self.gone:
                raise RuntimeError(f"{wanted - self.ready} are not connected; gone: {self.gone}")
        return time.perf_counter() - started

    def _connect(self, steps: Sequence[Step], receive_buffer: int) -> None:
        connection = socket.socket()
        if receive_buffer:  # before it is connected, or the window is open already
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.connect(("127.0.0.1", self.port))
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(connection, deque(steps))
        self.by_file[connection.fileno()] = client
        self.all.append(client)
        self._epoll.register(connection.fileno(), select.EPOLLIN)
        self._next_step(client)

    def _next_step(self, client: Client) -> None:
        if client.steps:
            words, client.answer = client.steps.popleft()
            client.connection.send(words)
        else:
            client.is_ready = True
            self.ready += 1

    def say(self, client: Client, text: bytes) -> None:
        client.connection.send(frame(text))

    def stop_reading(self, client: Client) -> None:
        """Be a client that sleeps: its system takes what the buffer holds, and no more."""
        self._epoll.unregister(client.connection.fileno())

    def read_again(self, client: Client) -> None:
        self._epoll.register(client.connection.fileno(), select.EPOLLIN)

    def close(self, clients: Sequence[Client] = ()) -> None:
        """Say goodbye and hang up, all of them by default."""
        for client in list(clients or self.all):
            if client.connection.fileno() >= 0:
                with suppress(OSError):
                    client.connection.send(frame(struct.pack("!H", 1000), CLOSE))
                self._forget(client)

    def _forget(self, client: Client) -> None:
        self.by_file.pop(client.connection.fileno(), None)
        client.connection.close()
        self.all.remove(client)
        self.ready -= client.is_ready

    # -- Listening ---------------------------------------------------------------------------------

    def poll(self, seconds: float) -> bool:
        """Read what came; wait for the first of it. False: nothing came."""
        events = self._epoll.poll(seconds, 512)
        for file, _ in events:
            client = self.by_file[file]
            try:
                data = client.connection.recv(65536)
            except OSError:
                data = b""
            if data:
                self._read(client, data)
            else:
                self._ended(client)
        return bool(events)

    def listen(self, seconds: float) -> None:
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            self.poll(left)

    def forget_what_was_heard(self) -> None:
        for client in self.all:
            client.heard = []

    def _read(self, client: Client, data: bytes) -> None:
        now = time.perf_counter_ns()
        if client.rest:
            data = client.rest + data
        if data.startswith(b"HTTP/1.1 "):
            data = self._upgraded(client, data)
        at = 0
        while (found := _frame_at(data, at)) is not None:
            start, stop = found
            if stop - start >= MESSAGE_BYTES and data[at] & 15 == TEXT and client.is_ready:
                client.heard.append((now, data[start:stop]))
                self.messages += 1
            else:
                self._other(client, data[at] & 15, data[start:stop])
            at = stop
        client.rest = data[at:]

    def _upgraded(self, client: Client, data: bytes) -> bytes:
        head, found, rest = data.partition(b"\r\n\r\n")
        if not found:
            return data
        if not head.startswith(b"HTTP/1.1 101"):
            raise RuntimeError(data.decode(errors="replace"))
        if client.answer == b"":
            self._next_step(client)
        return rest

    def _other(self, client: Client, op: int, payload: bytes) -> None:
        if op == PING:
            client.connection.send(frame(payload, PONG))
        elif op == CLOSE:
            client.close_code = int.from_bytes(payload[:2], "big")
        elif payload == b"2":  # engine.io's ping
            client.connection.send(frame(b"3"))
        elif not client.is_ready and client.answer in payload:
            self._next_step(client)

    def _ended(self, client: Client) -> None:
        self.gone[client.close_code or 1006] += 1
        self._forget(client)


def _frame_at(data: bytes, at: int) -> tuple[int, int] | None:
    """Return where the payload of a server's frame begins and ends; None: not all is there."""
    if len(data) - at < 2:
        return None
    size, start = data[at + 1], at + 2
    if size >= 126:
        start += 2 if size == 126 else 8
        size = int.from_bytes(data[at + 2 : start], "big")
    return (start, start + size) if start + size <= len(data) else None


def stamps(client: Client) -> Iterator[tuple[int, int, int]]:
    """Return each message's number, and when it was sent and read, in ns."""
    for read_at, payload in client.heard:
        found = STAMP.search(payload)
        if found is None:
            raise AssertionError(f"not a message of ours: {payload[:300]!r}")
        yield int(found[1]), int(found[2]), read_at


def losses(clients: Sequence[Client], numbers: Sequence[int]) -> Counter[str]:
    """Compare what each heard with what all should have: the same, once and in order."""
    found: Counter[str] = Counter()
    wanted = list(numbers)
    for client in clients:
        heard = [number for number, _, _ in stamps(client)]
        if heard != wanted:
            found["lost"] += len(set(wanted) - set(heard))
            found["doubled"] += len(heard) - len(set(heard))
            found["out of order"] += heard != sorted(heard)
    return found
