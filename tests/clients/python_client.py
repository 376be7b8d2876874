"""The script of steps in Python: what it prints is the transcript (client.mjs is its twin)."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

library, url, channel = sys.argv[1:]
sys.path.insert(0, str(Path(library).parent))

from tenantry_realtime import Handlers, Realtime  # noqa: E402

answers: dict[str, asyncio.Queue[Any]] = {"token?": asyncio.Queue(), "next?": asyncio.Queue()}
"""An answer may come before its question is asked."""
dumps = json.JSONEncoder(separators=(",", ":")).encode
last = ""


def told(line: str) -> None:
    global last
    if line != last or not line.startswith("waiting"):
        print(line, flush=True)
    last = line


async def ask(question: str) -> Any:
    print(question, flush=True)
    return await answers[question].get()


def read() -> None:
    for text in os.read(sys.stdin.fileno(), 65_536).splitlines():  # two may come at once
        line = json.loads(text)
        answers[line["to"]].put_nowait(line["answer"])


async def get_token(fresh: bool) -> str | None:
    if fresh:
        told("a fresh token, please")
    answer: str | None = await ask("token?")
    return answer


def handlers(name: str) -> Handlers:
    return {
        "on_event": lambda frame: told(f"{name} {frame['event']} {dumps(frame['data'])}"),
        "on_stale": lambda: told(f"{name} is stale"),
        "on_lost": lambda code: told(f"{name} is lost: {code}"),
    }


async def main() -> None:
    asyncio.get_running_loop().add_reader(sys.stdin, read)
    status = lambda state, code: told(f"{state} {code}" if code else state)  # noqa: E731
    present: list[Any] = [(frozenset(), 0)]
    async with Realtime(url, get_token, on_status=status) as realtime:
        realtime.subscribe("user", **handlers("user"))
        here = handlers("channel")
        here["on_presence"] = lambda *told: present.append(told)
        realtime.subscribe(channel, **here)
        realtime.subscribe("nowhere", **handlers("nowhere"))
        while (command := await ask("next?")) != "close":
            if command == "ping":
                await realtime.ping()
                told("pong")
            elif command == "people":
                people, count = present[-1]
                told(f"{len(people)} of {count} are here")
    print("bye", flush=True)


asyncio.run(main())
