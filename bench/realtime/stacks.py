"""Realtime as we do it, and as others do: how each is served, joined, and spoken through."""

import json
import os
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil

from bench.realtime.sockets import MESSAGE_BYTES, Step, frame, upgrade
from core.embedded.state import free_port

ROOT = Path(__file__).parents[2]
NODE_SOURCES = ROOT / "bench" / "peers" / "node"
NODE_FOLDER = ROOT / "build" / "bench-node"
READY_SECONDS = 30.0
END_SECONDS = 10.0

PYTHON = [sys.executable]
# What `manage.py serve` uses, for every Python server: compression would make the others slower.
UVICORN = [*PYTHON, "-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--loop", "uvloop",
           "--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--no-access-log",
           "--log-level", "warning"]  # fmt: skip


@dataclass(frozen=True)
class Crowd:
    """The members of one organization (bench/realtime/crowd.py)."""

    channel: str
    people: list[str]
    tokens: list[str]


@dataclass(frozen=True)
class Stack:
    name: str
    serve: Sequence[str]
    publish: Sequence[str]
    variables: dict[str, str] = field(default_factory=dict)

    def join(self, port: int, number: int) -> list[Step]:
        """Return what client `number` says until it hears everything."""
        words = upgrade(port, f"/?person={number}")
        return [(words, b""), (b"", b"ready")]

    def person(self, number: int) -> str:
        """Return what the publisher calls client `number`."""
        return str(number)


class SocketIO(Stack):
    def join(self, port: int, number: int) -> list[Step]:
        words = upgrade(port, f"/socket.io/?EIO=4&transport=websocket&person={number}")
        return [(words, b""), (b"", b"0{"), (frame(b"40"), b"40{")]


@dataclass(frozen=True)
class Ours(Stack):
    """The real thing: everybody says who they are and joins the organization's channel."""

    crowd: Crowd = field(kw_only=True)

    # A user may have twenty connections. The first clients have somebody to themselves.
    ALONE, TOGETHER = 200, 10

    @classmethod
    def people_for(cls, clients: int) -> int:
        return cls.ALONE + max(0, clients - cls.ALONE) // cls.TOGETHER + 1

    def _index(self, number: int) -> int:
        beyond = number - self.ALONE
        return number if beyond < 0 else self.ALONE + beyond // self.TOGETHER

    def join(self, port: int, number: int) -> list[Step]:
        token = self.crowd.tokens[self._index(number)]
        subscribe = {"type": "subscribe", "ref": 1, "channel": self.crowd.channel}
        return [
            (upgrade(port, "/ws/v1", f"tenantry.v1, bearer.{token}"), b""),
            (b"", b'"welcome"'),
            (frame(json.dumps(subscribe).encode()), b'"ack"'),
        ]

    def person(self, number: int) -> str:
        return self.crowd.people[self._index(number)]


def prepare(variables: dict[str, str], *, clients: int) -> Crowd:
    commands = (["manage.py", "migrate", "--verbosity=0"],
                ["-m", "bench.realtime.crowd", str(Ours.people_for(clients))])  # fmt: skip
    for command in commands:
        done = subprocess.run(
            [sys.executable, *command], env=variables, stdout=subprocess.PIPE, check=True
        )
    return Crowd(**json.loads(done.stdout.splitlines()[-1]))


SAY = [*PYTHON, "-m", "bench.realtime.say"]


def ours(crowd: Crowd) -> Ours:
    serve = [*PYTHON, "manage.py", "serve", "--port", "{port}", "--exit-with-parent"]
    return Ours("ours", serve, [*SAY, "ours"], {"BENCH_CHANNEL": crowd.channel}, crowd=crowd)


def stacks(crowd: Crowd) -> list[Stack]:
    """Return all of them, as far as this machine can run them."""
    channels = [*UVICORN, "bench.peers.channels_peer:app"]
    found = [
        ours(crowd),
        *(
            Stack(name, channels, [*SAY, "channels"], {"LAYER": layer})
            for name, layer in (("hub", "hub"), ("stock", "stock"), ("stock pub/sub", "pubsub"))
        ),
        SocketIO(
            "python-socketio", [*UVICORN, "bench.peers.socketio_peer:app"], [*SAY, "socketio"]
        ),
    ]
    return found + node_stacks()


def node_stacks() -> list[Stack]:
    if shutil.which("npm") is None or shutil.which("node") is None:
        print("node or npm is not installed: node's ws and socket.io are left out")
        return []
    install_node_peers()
    node = {
        name: ["node", str(NODE_FOLDER / f"{name}.mjs")] for name in ("ws", "socketio", "emitter")
    }
    address = ["{port}", "{redis}"]
    return [
        Stack("node ws", [*node["ws"], *address], [*SAY, "redis"]),
        SocketIO("node socket.io", [*node["socketio"], *address], [*node["emitter"], "{redis}"]),
    ]


def install_node_peers() -> None:
    """Put node's peers, in the versions of the lock file, beside their sources in `build`."""
    shutil.copytree(NODE_SOURCES, NODE_FOLDER, dirs_exist_ok=True)
    lock = NODE_FOLDER / "package-lock.json"
    done = NODE_FOLDER / "node_modules" / ".installed.json"
    if done.exists() and done.read_bytes() == lock.read_bytes():
        return
    words = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(words, cwd=NODE_FOLDER, check=True, timeout=300)
    shutil.copy(lock, done)


class Process:
    """A server or a publisher. It ends when this process does: its standard input ends then."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self.port, self.log = free_port(), log
        redis = environment["REDIS_URL"]
        words = [word.format(port=self.port, redis=redis) for word in command]
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                words,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.communicate()

    @property
    def pid(self) -> int:
        return self.process.pid

    def failed(self) -> RuntimeError:
        words = " ".join(map(str, self.process.args))  # type: ignore[arg-type]
        return RuntimeError(f"{words} failed; it said:\n{self.log.read_text()[-2000:]}")


class Server(Process):
    def __init__(self, stack: Stack, environment: dict[str, str], log: Path) -> None:
        super().__init__(stack.serve, environment | stack.variables, log)
        self.stack = stack
        # A server that writes much must not wait for us to read it.
        assert self.process.stdout is not None
        self.process.stdout.close()

    def wait_until_ready(self) -> Self:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                time.sleep(0.05)
            else:
                return self
        raise self.failed()

    def cpu_seconds(self) -> float:
        """CPU that the process and its threads have used, in it and in the kernel."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def memory_bytes(self) -> int:
        return int(psutil.Process(self.pid).memory_info().rss)


class Publisher(Process):
    """Says messages on a stack from a process of its own (bench/realtime/say.py)."""

    def __init__(self, stack: Stack, environment: dict[str, str], log: Path) -> None:
        super().__init__(stack.publish, environment | stack.variables, log)
        self.next = 1
        self._hear("ready")

    def order(
        self,
        count: int,
        *,
        people: Sequence[str] = (),
        pause: float = 0.0,
        size: int = MESSAGE_BYTES,
    ) -> range:
        """Have messages said, and return their numbers at once."""
        numbers = range(self.next, self.next + count)
        self.next += count
        words = {"first": numbers[0], "count": count, "people": list(people), "pause": pause,
                 "size": size}  # fmt: skip
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        return numbers

    def is_done(self) -> bool:
        """Tell whether all of an order has left; `wait` then returns at once."""
        assert self.process.stdout is not None
        ready = select.poll()  # descriptors beyond 1 024 too: clients have thousands
        ready.register(self.process.stdout, select.POLLIN)
        return bool(ready.poll(0))

    def wait(self) -> None:
        """Return once all of an order has left."""
        self._hear("done")

    def _hear(self, word: str) -> None:
        assert self.process.stdout is not None
        if self.process.stdout.readline() != word + "\n":
            raise self.failed()


def load() -> str:
    """Return the load average of the last minute: figures of a busy machine are no good."""
    return f"{os.getloadavg()[0]:.1f}"
