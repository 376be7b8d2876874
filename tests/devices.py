"""People at real servers: each with a token of their own, and many at the same instant."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from tests.servers import Server, ask

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"


class Device:
    """Somebody at one of the servers."""

    def __init__(self, server: Server) -> None:
        self.base = f"{server.base}/api/v1"
        self.headers = {"User-Agent": FIREFOX}

    def send(self, method: str, path: str, body: Any = None) -> Any:
        return ask(method, self.base + path, json=body, headers=self.headers, timeout=20)

    def status(self, method: str, path: str, body: Any = None) -> int:
        return int(self.send(method, path, body).status_code)

    def sign_in(self, typed: str, email: str) -> Any:
        pair = self.send("POST", "/auth/token", {"email": email, "password": typed}).json()
        self.headers["Authorization"] = f"Bearer {pair['access']}"
        return pair

    def knows_me(self) -> bool:
        return self.status("GET", "/users/me") == 200


def at_once(count: int, act: Callable[[int], Any]) -> list[Any]:
    together = Barrier(count)

    def one(number: int) -> Any:
        together.wait()
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
