"""Everything that may die, dies while messages are committed; what each client heard is counted.

Two servers, some speakers (bench/chaos/speaker.py) and Valkey are killed and started again; clients
lose their connections. Used by bench.chaos.realtime and, smaller, by tests/realtime/test_chaos.py.
"""

import asyncio
import random
import socket
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.chaos.listener import Listener
from core.embedded.state import free_port
from core.embedded.valkey import Valkey

ROOT = Path(__file__).parents[2]
ON_THE_WAY = 20
"""Orders that one speaker has not carried out yet."""
SERVE = ["manage.py", "serve", "--exit-with-parent", "--port"]


@dataclass(frozen=True)
class Plan:
    """How much is said, and how often there is trouble, in seconds; 0: never."""

    messages: int
    per_second: int
    speakers: int
    speaker_lives: int
    """Messages that a speaker says before it is killed, on average: by time, a busy machine might
    kill each before it has begun."""
    kill_server_every: float
    restart_valkey_every: float
    break_connection_every: float
    kills_at_most: int = 1_000_000
    """Of servers, of speakers, and of Valkey, each."""
    settle_seconds: float = 60.0
    """For the clients to hear the rest when all is said."""


@dataclass
class Chaos:
    plan: Plan
    environment: Mapping[str, str]
    valkey: Valkey
    channels: Sequence[str]
    tokens: Sequence[str]
    """Of the clients."""
    log: Path
    committed: Callable[[], int]
    """Returns how many messages the database has."""
    counts: Counter[str] = field(default_factory=Counter)
    ports: list[int] = field(default_factory=lambda: [free_port(), free_port()])
    servers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    is_over: bool = False

    async def run(self) -> list[Listener]:
        """Return the clients when everything has come to each, or when they have had time."""
        async with AsyncExitStack() as stack:
            stack.callback(self._stop_servers)
            self.servers = [self._serve(port) for port in self.ports]
            await asyncio.gather(*map(answers, self.ports))
            listeners = [Listener(self.ports, self.channels, token) for token in self.tokens]
            for listener in listeners:
                await stack.enter_async_context(listener)
            await asyncio.gather(*(each.joined() for each in listeners))
            await self._speak_while_things_die(listeners)
            await self._settle(listeners)
            return listeners

    async def _speak_while_things_die(self, listeners: Sequence[Listener]) -> None:
        plan = self.plan
        trouble = [
            asyncio.create_task(self._repeat(plan.kill_server_every, self._kill_server)),
            asyncio.create_task(self._repeat(plan.restart_valkey_every, self._restart_valkey)),
            asyncio.create_task(
                self._repeat(plan.break_connection_every, lambda: self._break_one(listeners))
            ),
        ]
        speakers = [Speaker(self, number) for number in range(plan.speakers)]
        await asyncio.gather(*(speaker.run() for speaker in speakers))
        self.is_over = True
        await asyncio.gather(*trouble)

    async def _settle(self, listeners: Sequence[Listener]) -> None:
        wanted = await asyncio.to_thread(self.committed)
        deadline = asyncio.get_running_loop().time() + self.plan.settle_seconds
        while asyncio.get_running_loop().time() < deadline:
            if all(listener.position() == wanted for listener in listeners):
                return
            await asyncio.sleep(0.1)

    # -- Trouble -----------------------------------------------------------------------------------

    async def _repeat(self, every: float, trouble: Callable[[], Awaitable[None]]) -> None:
        """Make trouble at random moments, this often on average."""
        made = 0
        while every and not self.is_over and made < self.plan.kills_at_most:
            await asyncio.sleep(random.uniform(0.5, 1.5) * every)
            if not self.is_over:
                await trouble()
                made += 1

    async def _kill_server(self) -> None:
        index = random.randrange(len(self.servers))
        self.servers[index].kill()
        await asyncio.to_thread(self.servers[index].wait)
        self.counts["servers killed"] += 1
        self.servers[index] = self._serve(self.ports[index])
        await answers(self.ports[index])

    async def _restart_valkey(self) -> None:
        port = self.valkey.port
        await asyncio.to_thread(self.valkey.stop)
        await asyncio.sleep(random.uniform(0.0, 1.0))
        await asyncio.to_thread(self.valkey.start, port)
        self.counts["Valkey restarted, empty"] += 1

    async def _break_one(self, listeners: Sequence[Listener]) -> None:
        random.choice(listeners).break_connection()
        self.counts["connections broken"] += 1

    def _serve(self, port: int) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, *SERVE, str(port)],
                cwd=ROOT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def _stop_servers(self) -> None:
        for server in self.servers:
            server.kill()
            server.wait()


class Speaker:
    """A process that commits messages; when it dies, another takes its place."""

    def __init__(self, chaos: Chaos, number: int) -> None:
        self.chaos = chaos
        self.share = chaos.plan.messages // chaos.plan.speakers
        self.pause = chaos.plan.speakers / chaos.plan.per_second
        self.committed = 0
        self.dies_at = 0
        """How many it has said by then, its predecessors' included."""

    async def run(self) -> None:
        while self.committed < self.share:
            lives = self.chaos.plan.speaker_lives
            self.dies_at = self.committed + random.randint(lives // 2, lives * 3 // 2)
            await self._live()

    async def _live(self) -> None:
        """Speak until all is said or the process is dead."""
        with self.chaos.log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bench.chaos.speaker",
                *self.chaos.channels,
                cwd=ROOT,
                env=dict(self.chaos.environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        orders: deque[str] = deque()
        told: Counter[str] = Counter()
        reader = asyncio.create_task(self._read(process.stdout, orders, told))
        with suppress(ConnectionError):
            await self._order(process, orders, told)
            process.stdin.close()
        await asyncio.wait([reader])
        if await process.wait() < 0:
            self._count_death(orders, told)

    async def _read(
        self, output: asyncio.StreamReader, orders: "deque[str]", told: Counter[str]
    ) -> None:
        async for line in output:
            word = line.decode().strip()
            told[word] += 1
            if word == "committed":
                self.committed += 1
                orders.popleft()

    async def _order(
        self, process: asyncio.subprocess.Process, orders: "deque[str]", told: Counter[str]
    ) -> None:
        assert process.stdin is not None
        clock = asyncio.get_running_loop().time
        due_at = clock()
        while self.committed + len(orders) < self.share and process.returncode is None:
            if not told["ready"] or len(orders) >= ON_THE_WAY or clock() < due_at:
                await asyncio.sleep(0.002)
                continue
            due_at = max(due_at + self.pause, clock() - 0.1)
            order = self._next_order(process) if told["pushed"] else "speak"
            orders.append(order)
            process.stdin.write(order.encode() + b"\n")
            await process.stdin.drain()

    def _next_order(self, process: asyncio.subprocess.Process) -> str:
        is_spared = self.chaos.counts["speakers killed"] >= self.chaos.plan.kills_at_most
        if self.committed < self.dies_at or is_spared:
            return "speak"
        self.dies_at = self.share  # once is enough
        if random.random() < 0.5:
            process.kill()  # wherever it happens to be
            return "speak"
        return "die"

    def _count_death(self, orders: "deque[str]", told: Counter[str]) -> None:
        self.chaos.counts["speakers killed"] += 1
        died_by_order = bool(orders) and orders[0] == "die"
        if died_by_order:
            self.committed += 1
        if died_by_order or told["committed"] > told["pushed"]:
            self.chaos.counts["of them between commit and push"] += 1


async def answers(port: int) -> None:
    """Return once somebody listens on a port."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            await asyncio.sleep(0.05)
        else:
            return
