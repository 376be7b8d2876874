"""Who is connected where: what each process tells Redis of itself, and how it is asked.

A report runs out with its process's leases, so that one that was killed vanishes by itself. A
question goes to all processes over the control group; each answers under the question's own key.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any
from uuid import uuid4

import orjson

from core.redis import KEY_PREFIX, Client, call
from realtime import delivery
from realtime.leases import LEASE_SECONDS

CONTROL = "control"
"""The group of all processes that have connections."""
PROCESSES = f"{KEY_PREFIX}realtime:processes"
PATIENCE_SECONDS = 2.0
"""How long a question waits for the processes that have reported."""
LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Report:
    """One process, or rather one event loop, and what is connected to it."""

    process: str
    host: str
    pid: int
    connections: int
    users: Mapping[str, int]
    """Connections by the user's id."""
    channels: Mapping[str, int]
    """Listeners by channel, but for users' own."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which connections are meant; no field at all means every one. `closes`: they are to end."""

    user_id: str | None = None
    session_id: str | None = None
    connection_id: str | None = None
    channel: str | None = None
    closes: bool = False

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> "Question":
        return cls(**{field.name: message[field.name] for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class Answer:
    connections: int
    """That were meant."""
    silent: int
    """Processes that did not answer in time; what they have is not counted."""


def put(report: Report) -> None:
    """Tell of a process. Raises StoreUnavailableError."""

    def keep(client: Client) -> None:
        with client.pipeline(transaction=False) as pipeline:
            pipeline.sadd(PROCESSES, report.process)
            pipeline.set(_key(report.process), orjson.dumps(asdict(report)), ex=LEASE_SECONDS)
            pipeline.execute()

    call(keep)


def withdraw(process: str) -> None:
    """Tell that a process is over. Raises StoreUnavailableError."""
    call(lambda client: client.delete(_key(process)))


def reports() -> list[Report]:
    """Return what is known of each process that lives. Raises StoreUnavailableError."""
    found: Any = call(_read)
    return [Report(**orjson.loads(text)) for text in found]


def _read(client: Client) -> list[bytes]:
    known: Any = client.smembers(PROCESSES)
    names = sorted(name.decode() for name in known)
    if not names:
        return []
    texts: Any = client.mget([_key(name) for name in names])
    over = [name for name, text in zip(names, texts, strict=True) if text is None]
    if over:
        client.srem(PROCESSES, *over)
    return [text for text in texts if text is not None]


def ask(question: Question) -> Answer:
    """Have every process answer, and bring its report up to date. Raises StoreUnavailableError."""
    number = uuid4().hex
    message = {"type": "control", "event": "asked", "number": number, **asdict(question)}
    # A store that was just emptied knows of no process yet, but of who listens.
    expected = delivery.layer().listeners(CONTROL)
    delivery.layer().send_many([(CONTROL, message)])
    patience = time.monotonic() + PATIENCE_SECONDS
    while True:
        answers: Any = call(lambda client: client.hgetall(_answers_key(number)))
        unheard = {report.process.encode() for report in reports()} - answers.keys()
        missing = max(len(unheard), expected - len(answers))
        if not missing or time.monotonic() > patience:
            return Answer(sum(map(int, answers.values())), missing)
        time.sleep(LOOK_SECONDS)  # there is no event of other processes to wait for


def answer(number: str, process: str, count: int) -> None:
    """Raises StoreUnavailableError."""

    def keep(client: Client) -> None:
        with client.pipeline(transaction=False) as pipeline:
            pipeline.hset(_answers_key(number), process, str(count))
            pipeline.expire(_answers_key(number), LEASE_SECONDS)
            pipeline.execute()

    call(keep)


def _key(process: str) -> str:
    return f"{KEY_PREFIX}realtime:process:{process}"


def _answers_key(number: str) -> str:
    return f"{KEY_PREFIX}realtime:answers:{number}"
