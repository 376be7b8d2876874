"""Virtual people: each asks for lists, now and then makes a link to invite by, and some listen.

What is made is taken back at once, and nothing is mailed. They keep to the limits that everybody
has; what is refused for that is told as `429`.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

import httpx2
import websockets

from accounts.loadtest.figures import Figures

LISTS = ["notifications", "users/me/sessions", "organizations"]
INVITE_EVERY = 20
"""Requests of one person between two links."""
SIGN_IN_SECONDS = 10.0
"""Between two of them: fewer than the usual limit refuses."""
PING_SECONDS = 2.0
PATIENCE_SECONDS = 15.0
Look = Callable[[float, Figures], None]


@dataclass(frozen=True)
class Account:
    email: str
    token: str
    password: str = ""
    """Empty: nobody signs in anew."""


@dataclass
class LoadTest:
    url: str
    accounts: Sequence[Account]
    seconds: float
    clients: int
    sockets: int
    most_a_second: int
    figures: Figures = field(default_factory=Figures)

    async def run(self, look: Look) -> Figures:
        """Do it, and call `look` every second with the time so far."""
        began = time.monotonic()
        async with httpx2.AsyncClient(base_url=self.url, timeout=PATIENCE_SECONDS) as http:
            tasks = [asyncio.create_task(work) for work in self._works(http)]
            while (elapsed := time.monotonic() - began) < self.seconds:
                await asyncio.sleep(min(1.0, self.seconds - elapsed))
                look(time.monotonic() - began, self.figures)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for each in self.accounts:
                await self._sign_out(http, each.token)
        return self.figures

    def _works(self, http: httpx2.AsyncClient) -> "list[Any]":
        accounts = cycle(self.accounts)
        works: list[Any] = [self._use(http, next(accounts)) for _ in range(self.clients)]
        works += [self._listen(next(accounts)) for _ in range(self.sockets)]
        works += [self._sign_in(http, each) for each in self.accounts if each.password]
        return works

    # -- Requests ----------------------------------------------------------------------------------

    async def _use(self, http: httpx2.AsyncClient, who: Account) -> None:
        pause = self.clients / self.most_a_second
        headers = {"Authorization": f"Bearer {who.token}"}
        organization = await self._organization(http, headers)
        for number, name in enumerate(cycle(LISTS), 1):
            await self._paced(pause, self._ask(http, "list", "GET", name, headers=headers))
            if organization and number % INVITE_EVERY == 0:
                await self._paced(2 * pause, self._invite(http, organization, headers))

    async def _paced(self, seconds: float, work: Awaitable[Any]) -> None:
        began = time.monotonic()
        await work
        await asyncio.sleep(max(0.0, seconds - (time.monotonic() - began)))

    async def _organization(self, http: httpx2.AsyncClient, headers: dict[str, str]) -> str:
        """Return one in which they may make links, or nothing."""
        answer = await self._ask(http, "list", "GET", "organizations", headers=headers)
        items = answer.json()["items"] if answer is not None and answer.is_success else []
        mine = [item["id"] for item in items if item["role"] in {"owner", "admin"}]
        return mine[0] if mine else ""

    async def _invite(
        self, http: httpx2.AsyncClient, organization: str, headers: dict[str, str]
    ) -> None:
        links = f"organizations/{organization}/invitation-links"
        body = {"role": "viewer", "max_uses": 1}
        answer = await self._ask(http, "invite", "POST", links, headers=headers, json=body)
        if answer is not None and answer.is_success:
            link = f"{links}/{answer.json()['id']}"
            await self._ask(http, "take back", "DELETE", link, headers=headers)

    async def _sign_in(self, http: httpx2.AsyncClient, who: Account) -> None:
        body = {"email": who.email, "password": who.password}
        while True:
            answer = await self._ask(http, "sign in", "POST", "auth/token", json=body)
            if answer is not None and answer.is_success and "access" in answer.json():  # no MFA
                await self._sign_out(http, answer.json()["access"])
            await asyncio.sleep(SIGN_IN_SECONDS)

    async def _sign_out(self, http: httpx2.AsyncClient, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        await self._ask(http, "sign out", "POST", "auth/logout", headers=headers)

    async def _ask(
        self, http: httpx2.AsyncClient, name: str, method: str, path: str, **options: Any
    ) -> "httpx2.Response | None":
        began = time.perf_counter()
        try:
            answer = await http.request(method, f"/api/v1/{path}", **options)
        except httpx2.HTTPError as error:
            self.figures.seen(name, 0.0, type(error).__name__)
            await asyncio.sleep(1.0)  # nobody there: no use in asking at once again
            return None
        failure = "" if answer.is_success else str(answer.status_code)
        self.figures.seen(name, time.perf_counter() - began, failure)
        if answer.status_code == 429:
            await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))
        return answer

    # -- Sockets -----------------------------------------------------------------------------------

    async def _listen(self, who: Account) -> None:
        parts = urlsplit(self.url)
        address = f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}/ws/v1"
        protocols: Any = ["tenantry.v1", f"bearer.{who.token}"]
        while True:
            began = time.perf_counter()
            with suppress(OSError, websockets.WebSocketException):
                async with websockets.connect(address, subprotocols=protocols) as socket:
                    await socket.recv()  # the welcome
                    self.figures.seen("connect", time.perf_counter() - began)
                    self.figures.sockets_open += 1
                    try:
                        await self._ping(socket)
                    finally:
                        self.figures.sockets_open -= 1
            self.figures.sockets_lost += 1
            self.figures.seen("connect", 0.0, "lost")
            await asyncio.sleep(1.0)

    async def _ping(self, socket: Any) -> None:
        while True:
            began = time.perf_counter()
            await socket.send(json.dumps({"type": "ping", "ref": str(began)}))
            while json.loads(await socket.recv())["type"] != "pong":
                pass
            self.figures.seen("ping", time.perf_counter() - began)
            await asyncio.sleep(PING_SECONDS)
