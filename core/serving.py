"""Running the server: processes on one socket, each ending without losing a request."""

import asyncio
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import FrameType

import structlog
import uvicorn
from django.conf import settings

from core import cores, lifecycle
from core.errors import ConfigurationError
from core.socket_protocol import SocketProtocol

log = structlog.get_logger(__name__)

FINISH_SECONDS = 18
"""How long requests in flight may take after the drain; with DRAIN_S and the farewell to
sockets this stays under 30 s."""
SILENCE_SECONDS = 30
"""How long what was sent may stay untaken before the kernel drops the connection: a peer that is
gone without a word, or that reads nothing. A closed one would wait for it, and a stop for that."""
PING_SECONDS, PONG_SECONDS = 25.0, 30.0
"""How often a WebSocket's peer is pinged, and how soon it has to answer: who is silent is dropped
within a minute."""
MOST_WAITING = 65_535
"""How many connections may wait to be accepted, unless the kernel allows fewer
(`net.core.somaxconn`): everybody comes back at once after a restart, and beyond it are refused."""
ACCEPTORS = 16
"""uvloop accepts one connection a turn for each socket that listens, so with one a request behind
thousands of new sockets waited until most of them were served."""
RESTART_PAUSE_SECONDS = 1.0
REGATHER_TICKS = 50
"""Tenths of a second between two choices of the core that a process runs on."""


class DrainingServer(uvicorn.Server):
    """On SIGTERM: stop being ready, accept for DRAIN_S more seconds, finish, exit 0.

    A second signal shortens the wait.
    """

    exit_at: float | None = None
    farewell: asyncio.Task[None] | None = None
    gathers: bool = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.exit_at is None:
            lifecycle.start_draining()
            self.exit_at = time.monotonic() + settings.DRAIN_S
        else:
            self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await lifecycle.prepare()
        # What was made until now is never garbage; walking its 130 000 objects again and again
        # took 6 % of a list's CPU and more. What a request leaves is looked at after every third
        # request instead of four times in each: 11 % (docs/explanation/performance.md).
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 10, 10)
        gc.enable()
        self.gathers = settings.GATHER_THREADS and cores.can_gather()
        await super().startup(sockets=sockets)
        log.info("server.started")

    async def on_tick(self, counter: int) -> bool:
        if self.gathers:
            self._keep_together(counter % REGATHER_TICKS)
        if self.exit_at is not None and time.monotonic() >= self.exit_at and not self.farewell:
            for server in self.servers:
                server.close()  # from now on nobody new comes in
            self.farewell = asyncio.create_task(lifecycle.say_farewell())
            log.info("server.stopping")
        if self.farewell is not None and self.farewell.done():
            self.should_exit = True
        return await super().on_tick(counter)

    def _keep_together(self, tick: int) -> None:
        if tick == 0:
            cores.scatter()
        elif tick == 1:
            cores.gather()


def listen(host: str, port: int) -> socket.socket:
    """Bind the address. Raises ConfigurationError when another program has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise ConfigurationError(f"Can't listen on {host}:{port}: {reason}.") from None
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; every connection inherits it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_SECONDS * 1000)
    listener.set_inheritable(True)
    return listener


def serve(listener: socket.socket) -> None:
    """Serve until told to stop."""
    config = uvicorn.Config(
        "config.asgi:application",
        http="httptools",
        ws=SocketProtocol,
        ws_max_size=64 * 1024,
        ws_per_message_deflate=False,
        lifespan="off",
        backlog=MOST_WAITING,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # core/http/client.py knows how many proxies to believe
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PONG_SECONDS,
        timeout_keep_alive=75,  # longer than the idle time-outs of common balancers
        timeout_graceful_shutdown=FINISH_SECONDS,
    )
    gc.disable()  # until everything is imported
    DrainingServer(config).run(sockets=[listener, *(listener.dup() for _ in range(ACCEPTORS - 1))])


def serve_in_processes(listener: socket.socket, count: int) -> int:
    """Keep `count` processes serving one socket; a dead one is replaced. Return an exit code."""
    children = Children(lambda: serve(listener), count)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, children.stop)
    return children.keep_alive()


class Children:
    """Forked processes. The parent has opened no connection and no loop before it forks."""

    def __init__(self, work: Callable[[], None], count: int) -> None:
        self.work, self.count = work, count
        self.pids: set[int] = set()
        self.stopping = False

    def stop(self, sig: int, frame: FrameType | None) -> None:
        self.stopping = True
        for pid in self.pids:
            os.kill(pid, signal.SIGTERM)

    def keep_alive(self) -> int:
        failed = False
        while self.pids or not self.stopping:
            while len(self.pids) < self.count and not self.stopping:
                self._fork()
            pid, status = os.wait()
            self.pids.discard(pid)
            if not self.stopping:
                log.error("server.process_died", pid=pid, status=status)
                time.sleep(RESTART_PAUSE_SECONDS)
            failed = failed or (self.stopping and status != 0)
        return int(failed)

    def _fork(self) -> None:
        pid = os.fork()
        if pid:
            self.pids.add(pid)
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        lifecycle.exit_with_parent()
        self.work()
        sys.stdout.flush()
        os._exit(0)
