"""A client of /ws/v1, over a real socket, that accepts no frame which the docs do not describe."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from django.utils import timezone
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from accounts.models import User
from accounts.services import sessions
from tests import asyncapi
from tests.servers import Server

PATIENCE_SECONDS = 10


class Socket:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.welcome: dict[str, Any] = {}

    def say(self, kind: str, **fields: Any) -> None:
        frame = {"type": kind, **fields}
        asyncapi.check_said(frame)  # RT 35
        self.connection.send(orjson.dumps(frame).decode())

    def hear(self) -> dict[str, Any]:
        """Return the next frame."""
        frame: dict[str, Any] = orjson.loads(self.connection.recv(PATIENCE_SECONDS))
        asyncapi.check_heard(frame)
        return frame

    def hear_until(self, kind: str) -> list[dict[str, Any]]:
        """Return the frames up to the first of a kind, that one included."""
        heard = [self.hear()]
        while heard[-1]["type"] != kind:
            heard.append(self.hear())
        return heard

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Say something and return its answer; what comes before it is lost."""
        self.say(kind, ref="question", **fields)
        while (frame := self.hear()).get("ref") != "question":
            pass
        return frame

    def close_code(self) -> int:
        """Wait until the server closes, and return the code."""
        try:
            while True:
                self.hear()
        except ConnectionClosed:
            return self.connection.close_code or 0


@contextmanager
def socket(
    server: Server, *protocols: str, origin: str | None = None, query: str = ""
) -> Iterator[Socket]:
    """Open a socket with these subprotocols."""
    address = server.base.replace("http", "ws", 1) + "/ws/v1" + query
    headers = {"Origin": origin} if origin else {}
    with connect(
        address,
        subprotocols=protocols or None,  # type: ignore[arg-type]  # plain text will do
        additional_headers=headers,
        proxy=None,
    ) as connection:
        yield Socket(connection)


@contextmanager
def signed_in(server: Server, access: str) -> Iterator[Socket]:
    """Open a socket as somebody, and wait for the welcome."""
    with socket(server, "tenantry.v1", f"bearer.{access}") as opened:
        opened.welcome = opened.hear()
        assert opened.welcome["type"] == "welcome"
        yield opened


def begin(user: User) -> sessions.TokenPair:
    """Begin a session, as signing in would."""
    now = timezone.now()
    return sessions.start_session(user=user, device="", ip_address="127.0.0.1", now=now)


def access(user: User) -> str:
    return begin(user).access


def events(heard: Socket, count: int) -> list[object]:
    """Return the data of the next events."""
    return [heard.hear_until("event")[-1]["data"] for _ in range(count)]
