"""A client of /sse/v1 that accepts no frame which the docs do not describe."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson

from tests import asyncapi
from tests.servers import Server

PATIENCE_SECONDS = 10


@dataclass(frozen=True)
class Block:
    """One event of the stream; a comment has no kind."""

    kind: str
    id: str
    frame: Any


class Stream:
    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()
        self.last_id = ""

    def hear(self) -> Block:
        """Return the next event. Raises EOFError where the stream ends."""
        fields: dict[str, str] = {}
        while line := self._line():
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        frame = orjson.loads(fields["data"]) if "data" in fields else None
        if frame is not None:
            asyncapi.check_heard(frame)
            assert frame["type"] == fields["event"]
        self.last_id = fields.get("id", self.last_id)
        return Block(fields.get("event", ""), fields.get("id", ""), frame)

    def _line(self) -> str:
        line = next(self._lines, None)
        if line is None:
            raise EOFError
        return line

    def hear_until(self, kind: str) -> Block:
        while (block := self.hear()).kind != kind:
            pass
        return block

    def data(self, count: int) -> list[Any]:
        """Return what the next events tell."""
        return [self.hear_until("event").frame["data"] for _ in range(count)]

    def rest(self) -> list[Block]:
        """Return what comes until the server ends the stream."""
        found = []
        try:
            while True:
                found.append(self.hear())
        except EOFError:
            return found


@contextmanager
def opened(
    server: Server, *channels: str, access: str = "", last_id: str = "", **parameters: str
) -> Iterator[Stream]:
    headers = {"Authorization": f"Bearer {access}"} if access else {}
    headers |= {"Last-Event-ID": last_id} if last_id else {}
    given: list[tuple[str, Any]] = [*(("channel", name) for name in channels), *parameters.items()]
    with httpx2.stream(
        "GET",
        f"{server.base}/sse/v1",
        params=given,
        headers=headers,
        timeout=PATIENCE_SECONDS,
        trust_env=False,
    ) as response:
        yield Stream(response)
