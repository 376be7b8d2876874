"""A client that notes all it hears: ours as it is shipped, on whichever server is there."""

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

sys.path.insert(0, str(Path(__file__).parents[2] / "clients" / "python"))

import tenantry_realtime
from tenantry_realtime import Frame, Realtime

tenantry_realtime.LONGEST_PAUSE_SECONDS = 2.0  # so that many reconnects fit into a minute

Row = tuple[int, str]
"""A message's offset and id."""


@dataclass
class Run:
    """What was heard on a channel since the client was told that it may have missed something."""

    behind: int
    """The offset at that moment."""
    heard: list[Row] = field(default_factory=list)


class Breakable(Realtime):
    connection: Any = None

    async def _listen(self, connection: Any) -> int:
        self.connection = connection
        return await super()._listen(connection)


class Listener:
    def __init__(self, ports: Sequence[int], channels: Sequence[str], token: str) -> None:
        self.ports, self.token = ports, token
        self.runs: dict[str, list[Run]] = {name: [] for name in channels}
        self.connects = 0
        self._realtime = Breakable("", self._get_token, on_status=self._note)
        self._joined = {name: asyncio.Event() for name in channels}
        for name in channels:
            self._listen(name)

    async def __aenter__(self) -> Self:
        await self._realtime.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._realtime.__aexit__(*error)

    async def joined(self) -> None:
        await asyncio.gather(*(event.wait() for event in self._joined.values()))

    def break_connection(self) -> None:
        if self._realtime.connection is not None:
            self._realtime.connection.transport.abort()

    def position(self) -> int:
        """Return how far this has come, over all channels together."""
        return sum(_position(runs) for runs in self.runs.values() if runs)

    def faults(self, said: Mapping[str, Sequence[Row]]) -> Counter[str]:
        """Compare what was heard with what the database has of each channel, in order."""
        found: Counter[str] = Counter()
        for name, rows in said.items():
            found += faults(self.runs[name], rows)
        return found

    async def _get_token(self, fresh: bool) -> str:
        self._realtime.url = f"ws://127.0.0.1:{random.choice(self.ports)}/ws/v1"
        return self.token

    def _note(self, status: str, code: int) -> None:
        self.connects += status == "open"

    def _listen(self, name: str) -> None:
        runs = self.runs[name]

        def heard(frame: Frame) -> None:
            runs[-1].heard.append((frame["offset"], frame["id"]))

        def stale() -> None:
            runs.append(Run(self._realtime._subscriptions[name].offset))
            self._joined[name].set()

        self._realtime.subscribe(name, on_event=heard, on_stale=stale)


def _position(runs: Sequence[Run]) -> int:
    last = runs[-1]
    return last.heard[-1][0] if last.heard else last.behind


def faults(runs: Sequence[Run], rows: Sequence[Row]) -> Counter[str]:
    """Count what was heard wrongly. What lies before a run was not promised: the client knows."""
    found: Counter[str] = Counter()
    position = runs[0].behind if runs else 0
    for number, run in enumerate(runs):
        if number:
            found["told that it can't be recovered"] += 1
            position = max(position, run.behind)
        for row in run.heard:
            offset = row[0]
            found["doubled or out of order"] += offset <= position
            found["missing"] += max(0, offset - position - 1)
            found["not what was said"] += rows[offset - 1] != row if offset <= len(rows) else 1
            found["heard"] += 1
            position = max(position, offset)
    found["missing at the end"] += len(rows) - position
    return +found
