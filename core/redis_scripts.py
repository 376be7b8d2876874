"""Lua scripts that Redis runs for us; core.redis hands them on."""

from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from redis.exceptions import NoScriptError

from core.redis_clients import AsyncClient, Client

Argument = str | bytes | int | float


class Script:
    """A Lua script: one atomic step, one round trip."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._sha = sha1(source.encode(), usedforsecurity=False).hexdigest()

    def run(self, client: Client, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        try:
            return client.evalsha(self._sha, len(keys), *keys, *arguments)
        except NoScriptError:  # a fresh server: this also teaches it the script
            return client.eval(self._source, len(keys), *keys, *arguments)

    async def arun(
        self, client: AsyncClient, keys: Sequence[str], arguments: Sequence[Argument]
    ) -> Any:
        try:
            return await client.evalsha(self._sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await client.eval(self._source, len(keys), *keys, *arguments)

    async def arun_all(
        self, client: AsyncClient, calls: Sequence[tuple[Sequence[str], Sequence[Argument]]]
    ) -> list[Any]:
        """Run it with each of these keys and arguments, in one round trip; not one atomic step."""
        try:
            return await self._pipelined(client, calls)
        except NoScriptError:
            await client.script_load(self._source)
            return await self._pipelined(client, calls)

    async def _pipelined(
        self, client: AsyncClient, calls: Sequence[tuple[Sequence[str], Sequence[Argument]]]
    ) -> list[Any]:
        async with client.pipeline(transaction=False) as pipeline:
            for keys, arguments in calls:
                pipeline.evalsha(self._sha, len(keys), *keys, *arguments)
            return await pipeline.execute()
