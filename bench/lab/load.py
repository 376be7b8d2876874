"""The load: keep-alive connections that ask for one address as fast as they are answered.

A process of its own, so that it is timed apart from the server: reads its order as JSON from
standard input and writes what it saw as JSON to standard output.
"""

import asyncio
import json
import sys
import time

import uvloop


class Connection(asyncio.Protocol):
    """Sends a request, reads the whole answer, sends the next."""

    transport: asyncio.Transport

    def __init__(self, request: bytes, until: float, latencies: list[float]) -> None:
        self.request, self.until, self.latencies = request, until, latencies
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.ask()

    def ask(self) -> None:
        self.received = b""
        self.asked_at = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not is_complete(self.received):
            return
        now = time.perf_counter()
        if not self.received.startswith(b"HTTP/1.1 200"):
            self.end(RuntimeError(self.received[:500].decode()))
            return
        self.latencies.append(now - self.asked_at)
        if now < self.until:
            self.ask()
        else:
            self.end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.end(exc or ConnectionError("the server closed the connection"))

    def end(self, error: Exception | None) -> None:
        if self.ended.done():
            return
        if error:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(None)
        self.transport.close()


def is_complete(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line[15:])
    return body.endswith(b"0\r\n\r\n")  # chunked


async def run(*, port: int, path: str, token: str, connections: int, seconds: float) -> object:
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Authorization: Bearer {token}",
        "Accept: application/json",
    ]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    latencies: list[float] = []
    started = time.perf_counter()
    until = started + seconds
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(
            lambda: Connection(request, until, latencies), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    async with asyncio.timeout(seconds + 20):
        await asyncio.gather(*(connection.ended for _, connection in opened))
    elapsed = time.perf_counter() - started
    latencies.sort()
    return {
        "requests": len(latencies),
        "requests_per_second": len(latencies) / elapsed,
        "p50_ms": latencies[len(latencies) // 2] * 1000,
        "p99_ms": latencies[len(latencies) * 99 // 100] * 1000,
    }


if __name__ == "__main__":
    result = uvloop.run(run(**json.load(sys.stdin)))
    json.dump(result, sys.stdout)
