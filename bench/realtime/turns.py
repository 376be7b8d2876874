"""A turn of one stack: what is measured while its server, its publisher and its clients run."""

import statistics
import time
from collections import Counter

from bench.realtime.sockets import PATIENCE_SECONDS, Clients, losses, stamps
from bench.realtime.stacks import Ours, Publisher, Server

FEW, MANY = 1_000, 5_000
"""Sockets."""
WINDOW = 10
"""Broadcasts that are on their way together: fewer than the stock layer's capacity of 100."""
BROADCASTS = 5
"""Broadcasts that are measured alone."""
PERSONAL = 300
PERSONAL_PAUSE_SECONDS = 0.005

Figures = dict[str, float]


class Turn:
    """One server, one publisher, and clients, for the length of a measurement."""

    def __init__(self, server: Server, publisher: Publisher) -> None:
        self.server, self.publisher, self.stack = server, publisher, server.stack
        self.clients = Clients(server.port)
        self.lost: Counter[str] = Counter()
        self.opened = 0

    def open(self, upto: int, *, receive_buffer: int = 0) -> Figures:
        """Bring the number of clients up to this one."""
        before, already = self.server.memory_bytes(), len(self.clients.all)
        join = lambda number: self.stack.join(self.server.port, number)  # noqa: E731
        seconds = self.clients.open(join, range(already, upto), receive_buffer=receive_buffer)
        self.clients.listen(0.5)
        count = upto - already
        self.opened += count
        kib = (self.server.memory_bytes() - before) / 1024 / count
        return {"connects_per_second": count / seconds, "kib": kib}

    def broadcast(self, count: int) -> float:
        """Have everybody told; return the ms from the first message's leaving to the last heard."""
        total = self.clients.messages + count * len(self.clients.all)
        numbers = self.publisher.order(count)
        self.hear(total)
        heard = [stamp for client in self.clients.all for stamp in stamps(client)]
        self.lost += losses(self.clients.all, numbers)
        self.clients.forget_what_was_heard()
        if not heard:
            return float("inf")
        return (max(read for _, _, read in heard) - min(sent for _, sent, _ in heard)) / 1e6

    def hear(self, total: int) -> None:
        """Listen until so many messages were heard in all, or patience has ended.

        It begins to end when the publisher has said everything, however long that takes it.
        """
        deadline = float("inf")
        while self.clients.messages < total and time.monotonic() < deadline:
            if deadline == float("inf") and self.publisher.is_done():
                deadline = time.monotonic() + PATIENCE_SECONDS
            self.clients.poll(0.2)
        self.publisher.wait()

    def throughput(self, seconds: float) -> Figures:
        """Broadcast in windows for so long, of which checking what was heard is no part."""
        spent, windows, used = 0.0, 0, 0.0
        while spent < seconds:
            before = self.server.cpu_seconds()
            spent += self.broadcast(WINDOW) / 1e3
            used += self.server.cpu_seconds() - before
            windows += 1
        messages = windows * WINDOW * len(self.clients.all)
        return {"messages_per_second": messages / spent, "cpu_us": used / messages * 1e6}

    def last_client(self, count: int = BROADCASTS) -> Figures:
        times = [self.broadcast(1) for _ in range(count)]
        return {f"last_ms_{len(self.clients.all)}": statistics.median(times)}

    def personal(self) -> Figures:
        """Say something to one person after the other, and note how long it takes."""
        people = [self.stack.person(number) for number in range(0, Ours.ALONE, 2)]
        total = self.clients.messages + PERSONAL
        self.publisher.order(PERSONAL, people=people, pause=PERSONAL_PAUSE_SECONDS)
        self.hear(total)
        times = sorted(
            (read - sent) / 1e6 for each in self.clients.all for _, sent, read in stamps(each)
        )
        self.clients.forget_what_was_heard()
        self.lost["lost"] += total - self.clients.messages
        count = len(self.clients.all)
        return {
            f"personal_p50_ms_{count}": times[len(times) // 2],
            f"personal_p99_ms_{count}": times[len(times) * 99 // 100],
        }
